"""Which companies a text names.

`table` reads who there is and what each is called; `words` splits a text and finds its style; `evidence` decides
whether a name that is also an ordinary word means the company here; `tagger` puts them together; `build` makes
the packaged table anew from public files.
"""

from stream.score.entities.table import CompanyTable, Guard
from stream.score.entities.tagger import CompanyTagger, Mention

__all__ = ["CompanyTable", "CompanyTagger", "Guard", "Mention"]
