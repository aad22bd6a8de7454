"""Invented names of organisations and persons, and names of places, for sentences that teach what a name is.

What is to be learned is how names look and where they stand, not which there are. So many are put together from
syllables that mean nothing; of countries, cities and public bodies, which are few, the real ones are used.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

_WORDS = (
    "Alder", "Amber", "Anchor", "Apex", "Arbor", "Argent", "Aster", "Atlas", "Auburn", "Avon", "Basalt", "Beacon",
    "Birch", "Blackwater", "Bolton", "Bright", "Bristow", "Calder", "Canyon", "Cascade", "Cedar", "Clearview",
    "Cobalt", "Coral", "Crescent", "Crown", "Dalton", "Delmar", "Diamond", "Dover", "Drake", "Eastgate",
    "Echo", "Elm", "Ember", "Evergreen", "Falcon", "Farrow", "Fenwick", "First", "Foxglove", "Garnet", "General",
    "Glen", "Global", "Granite", "Halden", "Harbor", "Hawthorn", "Helix", "Heron", "Hollis", "Indigo", "Iron",
    "Ivory", "Jasper", "Juniper", "Kepler", "Kestrel", "Kinross", "Lakeland", "Larch", "Lark", "Liberty", "Lumen",
    "Maple", "Marlow", "Meridian", "Mistral", "Mutual", "National", "New", "Nimbus", "Northern", "Norwood",
    "Oakfield", "Onyx", "Orchard", "Osprey", "Pacific", "Palmer", "Pine", "Pioneer", "Premier", "Quarry", "Quill",
    "Raven", "Redwood", "Ridge", "Rowan", "Royal", "Sable", "Saffron", "Sequoia", "Smart", "Solace",
    "Southern", "Standard", "Summit", "Sun", "Talon", "Thorn", "Tidewater", "Umber", "United", "Vale",
    "Vantage", "Vesper", "Vireo", "Walden", "Westbrook",  "Willow", "Yarrow", "Zephyr",
)  # fmt: skip
_KINDS = (
    "Bank", "Holdings", "Motors", "Energy", "Pharma", "Foods", "Airlines", "Software", "Group", "Technologies",
    "Capital", "Partners", "Therapeutics", "Steel", "Media", "Systems", "Resources", "Mining", "Insurance",
    "Financial", "Industries", "Labs", "Oil", "Gas", "Power", "Telecom", "Retail", "Brands", "Networks",
    "Semiconductor", "Logistics", "Realty", "Biosciences", "Asset Management", "Securities", "Health", "Robotics",
    "Chemicals", "Cement", "Entertainment", "Hotels", "Broking", "Advisors", "Petroleum", "Gold", "Coal",
    "Communications", "Electronics", "Pharmaceuticals", "Bancorp", "Trust", "Properties", "Studios", "Solutions",
    "Infrastructure", "Shipping", "Wireless", "Aerospace", "Materials", "Apparel", "Games", "Trading", "Research",
)  # fmt: skip
_FORMS = (
    "Inc", "Inc.", "Corp", "Corp.", "Ltd", "Ltd.", "Limited", "plc", "AG", "SA", "Co", "Co.", "LLC", "LLP", "NV",
    "SpA", "Group", "GmbH", ", Inc.", ", LLC", ", Inc", "& Co",
)  # fmt: skip
_KNOWN = (
    "Apple", "Microsoft", "Google", "Amazon", "Facebook", "Twitter", "Yahoo!", "Tesla", "Netflix", "Boeing",
    "Airbus", "Goldman Sachs", "Morgan Stanley", "JPMorgan", "Citigroup", "HSBC", "UBS", "Barclays", "BP", "Shell",
    "Exxon Mobil", "Chevron", "Walmart", "Target", "Ford", "General Motors", "Toyota", "Honda", "Sony", "Samsung",
    "Nokia", "Siemens", "BASF", "Bayer", "Pfizer", "Merck", "Novartis", "Roche", "AT&T", "Verizon", "Intel", "IBM",
    "Oracle", "Cisco", "Nvidia", "BHP Billiton", "Rio Tinto", "Vale", "Glencore", "Alibaba", "Tencent", "Infosys",
    "Wipro", "Tata Motors", "Reliance Industries", "Starbucks", "McDonald's", "Coca-Cola", "PepsiCo", "Nike",
    "Disney", "Comcast", "Uber", "eBay", "PayPal", "Visa", "Mastercard", "Macy's", "Lowe's", "Procter & Gamble",
)  # fmt: skip
_BODIES = (
    "SEC", "FDA", "Fed", "Federal Reserve", "ECB", "European Central Bank", "Bank of England", "Treasury", "OPEC",
    "European Commission", "IMF", "International Monetary Fund", "World Bank", "Department of Justice", "FTC",
    "Bank of Japan", "Supreme Court", "Congress", "White House", "European Union", "Labour Party",
    "New York Stock Exchange", "FBI", "NATO", "United Nations", "World Health Organization", "Senate", "FCC",
    "Pentagon", "WTO", "OECD", "RBI", "SEBI", "Reuters", "Associated Press", "Bloomberg", "London Metal Exchange",
    "Financial Times", "Republican Party", "House of Representatives", "Securities and Exchange Commission", "NSE",
    "Environmental Protection Agency", "Harvard University", "Bank of China", "BSE", "People's Bank of China",
)  # fmt: skip
_FIELDS = (
    "Energy", "Finance", "Health", "Labor", "Trade", "Agriculture", "Defence", "Education", "Transport", "Mines",
    "Commerce", "Tourism", "Foreign Affairs", "Economic Policy", "Public Safety", "Human Rights",
)  # fmt: skip
_FIRST = (
    "Anna", "Ben", "Carla", "David", "Elena", "Frank", "Grace", "Henry", "Irene", "James", "Karen", "Liam",
    "Maria", "Nathan", "Olivia", "Peter", "Quentin", "Rosa", "Samuel", "Teresa", "Victor", "Wendy", "Yusuf",
    "Zoe", "Raj", "Priya", "Wei", "Mei", "Hiroshi", "Yuki", "Ahmed", "Fatima", "Carlos", "Lucia", "Ivan",
    "Olga", "John", "Michael", "Robert", "Mary", "Linda", "Susan", "Thomas", "Daniel", "Laura", "Sarah",
    "Kevin", "Mark", "Paul", "Steven", "Amir", "Chen", "Arjun", "Sunita", "Tony", "Bill", "Hillary", "Bernie",
    "Joe", "George", "Andrew", "Emily", "Julie", "Richard", "William", "Charles", "Patricia", "Jennifer",
    "Christine", "Angela", "Boris", "Vladimir", "Shinji", "Anil", "Sanjay", "Abdul", "Kofi", "Nana", "Eric",
    "Phillip", "Malcolm", "Stephen",
)  # fmt: skip
_LAST = (
    "Adler", "Barnes", "Castell", "Dorsey", "Ellery", "Farrow", "Garner", "Hadley", "Ingram", "Jarvis",
    "Kessler", "Lindqvist", "Marlowe", "Norris", "Okafor", "Petrov", "Quist", "Ramires", "Sandoval",
    "Thackeray", "Ulrich", "Varga", "Whitlock", "Yamada", "Zeller", "Chatterjee", "Iyer", "Nakamura", "Osei",
    "Haddad", "Moreno", "Silva", "Kowalski", "Novak", "Larsen", "Brandt", "Dubois", "Rossi", "Conti", "Hughes",
    "Sinclair", "Abbott", "Mehta", "Gupta", "Tan", "Lim", "Park", "Smith", "Johnson", "Brown", "Miller",
    "Jackson", "Harris", "Clark", "Lewis", "Walker", "Young", "King", "Wright", "Scott", "Green", "Baker",
    "Carter", "Mitchell", "Turner", "Phillips", "Parker", "Evans", "Edwards", "Stewart", "Morgan", "Cooper",
    "Reed", "Bailey", "Bell", "Cox", "Ward", "Gray", "Watson", "Brooks", "Kelly", "Sanders", "Price",
    "Bennett", "Wood", "Ross", "Henderson", "Jenkins", "Perry", "Powell", "Long", "Patterson", "Zhang", "Wang",
    "Li", "Liu", "Kumar", "Singh", "Sharma", "Kim", "Sato", "Suzuki", "Tanaka", "Nguyen", "Martin", "Bernard",
    "Schmidt", "Fischer", "Weber", "Garcia", "Lopez", "Ferrari", "Jansen",
)  # fmt: skip
_COUNTRIES = (
    "Afghanistan", "Algeria", "Angola", "Argentina", "Australia", "Austria", "Bahrain", "Bangladesh", "Belgium",
    "Bolivia", "Brazil", "Britain", "Bulgaria", "Cambodia", "Cameroon", "Canada", "Chile", "China", "Colombia",
    "Costa Rica", "Croatia", "Cuba", "Cyprus", "Czech Republic", "Denmark", "Ecuador", "Egypt", "England",
    "Estonia", "Ethiopia", "Finland", "France", "Germany", "Ghana", "Greece", "Guatemala", "Hungary", "Iceland",
    "India", "Indonesia", "Iran", "Iraq", "Ireland", "Israel", "Italy", "Ivory Coast", "Jamaica", "Japan",
    "Jordan", "Kazakhstan", "Kenya", "Kuwait", "Laos", "Latvia", "Lebanon", "Libya", "Lithuania", "Luxembourg",
    "Malaysia", "Mexico", "Mongolia", "Morocco", "Mozambique", "Myanmar", "Namibia", "Nepal", "Netherlands",
    "New Zealand", "Nigeria", "North Korea", "Norway", "Oman", "Pakistan", "Panama", "Paraguay", "Peru",
    "Philippines", "Poland", "Portugal", "Puerto Rico", "Qatar", "Romania", "Russia", "Rwanda", "Saudi Arabia",
    "Scotland", "Senegal", "Serbia", "Singapore", "Slovakia", "Slovenia", "South Africa", "South Korea",
    "Spain", "Sri Lanka", "Sudan", "Sweden", "Switzerland", "Syria", "Taiwan", "Tanzania", "Thailand",
    "Tunisia", "Turkey", "Uganda", "Ukraine", "United Arab Emirates", "United Kingdom", "United States",
    "Uruguay", "Venezuela", "Vietnam", "Wales", "Yemen", "Zambia", "Zimbabwe",
)  # fmt: skip
_STATES = (
    "Alabama", "Alaska", "Arizona", "Arkansas", "California", "Colorado", "Connecticut", "Delaware", "Florida",
    "Georgia", "Hawaii", "Idaho", "Illinois", "Indiana", "Iowa", "Kansas", "Kentucky", "Louisiana", "Maine",
    "Maryland", "Massachusetts", "Michigan", "Minnesota", "Mississippi", "Missouri", "Montana", "Nebraska",
    "Nevada", "New Hampshire", "New Jersey", "New Mexico", "North Carolina", "North Dakota", "Ohio", "Oklahoma",
    "Oregon", "Pennsylvania", "Rhode Island", "South Carolina", "South Dakota", "Tennessee", "Texas", "Utah",
    "Vermont", "Virginia", "West Virginia", "Wisconsin", "Wyoming",
)  # fmt: skip
_CITIES = (
    "Abu Dhabi", "Amsterdam", "Athens", "Atlanta", "Baghdad", "Bangalore", "Bangkok", "Barcelona", "Beijing",
    "Berlin", "Boston", "Brussels", "Budapest", "Buenos Aires", "Cairo", "Cape Town", "Chennai", "Chicago",
    "Copenhagen", "Dallas", "Delhi", "Denver", "Detroit", "Doha", "Dubai", "Dublin", "Edinburgh", "Frankfurt",
    "Geneva", "Glasgow", "Hamburg", "Hanoi", "Helsinki", "Hong Kong", "Houston", "Hyderabad", "Istanbul",
    "Jakarta", "Jerusalem", "Johannesburg", "Karachi", "Kiev", "Kolkata", "Kuala Lumpur", "Lagos", "Lima",
    "Lisbon", "London", "Los Angeles", "Luanda", "Madrid", "Manchester", "Manila", "Melbourne", "Mexico City",
    "Miami", "Milan", "Montreal", "Moscow", "Mumbai", "Munich", "Nairobi", "New Delhi", "New York", "Osaka",
    "Oslo", "Paris", "Philadelphia", "Prague", "Rio de Janeiro", "Riyadh", "Rome", "San Francisco", "Santiago",
    "Sao Paulo", "Seattle", "Seoul", "Shanghai", "Shenzhen", "Stockholm", "Sydney", "Taipei", "Tehran",
    "Tel Aviv", "Tokyo", "Toronto", "Vancouver", "Vienna", "Warsaw", "Washington", "Zurich",
)  # fmt: skip
_REGIONS = (
    "Africa", "Asia", "Europe", "Latin America", "Middle East", "North America", "South America",
    "Southeast Asia", "Eastern Europe", "Caribbean", "Scandinavia", "Silicon Valley", "Wall Street", "Ontario",
    "Quebec", "Alberta", "Queensland", "Bavaria", "Catalonia", "Gujarat", "Maharashtra", "Siberia",
    "Persian Gulf", "North Sea", "U.S.", "US", "UK", "U.K.", "D.C.", "Calif.", "N.Y.", "N.J.", "Mass.", "Fla.",
)  # fmt: skip
PLACES = (*_COUNTRIES, *_STATES, *_CITIES, *_REGIONS)
NATIONS = (
    "African", "American", "Argentine", "Asian", "Australian", "Austrian", "Belgian", "Brazilian", "British",
    "Canadian", "Chilean", "Chinese", "Colombian", "Danish", "Dutch", "Eastern European", "Egyptian", "European",
    "Finnish", "French", "German", "Greek", "Indian", "Indonesian", "Iranian", "Iraqi", "Irish", "Israeli",
    "Italian", "Japanese", "Korean", "Latin American", "Malaysian", "Mexican", "Nigerian", "Norwegian",
    "Pakistani", "Polish", "Portuguese", "Russian", "Saudi", "South African", "South Korean", "Spanish",
    "Swedish", "Swiss", "Thai", "Turkish", "Ukrainian", "Vietnamese",
)  # fmt: skip
_PARTS_OF_PLACES = (
    "Port {}", "Mount {}", "Lake {}", "{} Street", "{} Road", "{} Valley", "{} County", "{} Bay", "{} Creek",
    "{} Island", "{} Point", "Fort {}", "{} Hills", "{} Beach", "Gulf of {}", "{} Mine", "{} Avenue", "North {}",
    "South {}", "West {}", "East {}", "{} Park", "{} River", "{}ville", "{}ton", "{}land", "San {}", "Saint {}",
)  # fmt: skip
_ONSETS = (
    "b", "br", "c", "ch", "cl", "d", "dr", "f", "fl", "g", "gr", "h", "j", "k", "kl", "l", "m", "n", "p", "pr",
    "qu", "r", "s", "sh", "sk", "st", "t", "th", "tr", "v", "w", "x", "y", "z", "", "",
)  # fmt: skip
_VOWELS = (
    "a", "e", "i", "o", "u", "a", "e", "i", "o", "ai", "ea", "io", "an", "en", "in", "or", "al", "er", "um",
)  # fmt: skip
_CODAS = ("", "", "", "n", "r", "l", "s", "x", "m", "t", "nd", "rk", "lt", "ng", "ss", "ck")

_LETTERS = 5


def by_chance(draw: Random, share: float) -> bool:
    """Whether something happens that does so in this share of cases."""
    return draw.random() < share


def made_up(draw: Random, most: int = 3) -> str:
    """A word of up to `most` syllables, and five letters at least, that means nothing; with a capital."""
    word = ""
    # Shorter ones are often words that there are.
    while len(word) < _LETTERS:
        syllables = draw.randint(1, 2) if by_chance(draw, 0.75) else most
        word = "".join(draw.choice(_ONSETS) + draw.choice(_VOWELS) for _ in range(syllables)) + draw.choice(
            _CODAS
        )
    return word.capitalize()


def _letters(draw: Random) -> str:
    return "".join(draw.choice("ABCDEFGHIKLMNOPRSTUVW") for _ in range(draw.choice((2, 3, 3, 3, 4, 4, 5))))


def _firm(draw: Random) -> str:
    words = [draw.choice(_WORDS) if by_chance(draw, 0.45) else made_up(draw)]
    if by_chance(draw, 0.3):
        words.append(draw.choice(_WORDS) if by_chance(draw, 0.5) else made_up(draw))
    return " ".join(words)


def _firm_of_a_kind(draw: Random) -> str:
    return f"{_firm(draw)} {draw.choice(_KINDS)}"


def _registered(draw: Random) -> str:
    firm = _firm(draw) if by_chance(draw, 0.5) else _firm_of_a_kind(draw)
    form = draw.choice(_FORMS)
    return f"{firm}{form}" if form.startswith(",") else f"{firm} {form}"


def _partners(draw: Random) -> str:
    names = [draw.choice(_LAST) if by_chance(draw, 0.6) else made_up(draw) for _ in range(3)]
    return draw.choice(
        (
            f"{names[0]} & {names[1]}",
            f"{names[0]}, {names[1]} & {names[2]}",
            f"{names[0]} & {names[1]} LLP",
            f"{names[0]}, {names[1]} & {names[2]}, LLP",
            f"{names[0]} and {names[1]}",
            f"{names[0]} {draw.choice(_KINDS)}",
            f"{names[0]} Brothers",
        )
    )


def _institution(draw: Random) -> str:
    place, field, word = draw.choice(PLACES), draw.choice(_FIELDS), draw.choice((*_WORDS, made_up(draw)))
    return draw.choice(
        (
            f"Bank of {place}", f"University of {place}", f"{place} Stock Exchange", f"{place} Times",
            f"{place} Chamber of Commerce", f"Ministry of {field}", f"Department of {field}",
            f"{word} Institute", f"{word} Foundation", f"{word} News", f"{word} Party",
            f"{field} Workers Union", f"{word} University", f"National {field} Association",
            f"{field} Commission", f"{place} {field} Authority", f"{word} Journal",
            f"{place} Development Commission", f"{place} {draw.choice(_KINDS)}", f"Center for {field}",
            f"{word} Hospital", f"{place} High Court", f"Federal {field} Agency", f"{word} Council",
            f"{word} Daily", f"{place} Post", f"{word} TV", f"Federation of {place} Industries",
        )
    )  # fmt: skip


def _coined(draw: Random) -> str:
    word = made_up(draw, 2)
    return draw.choice(
        (
            f"{word}.com",
            f"{draw.choice(_WORDS)}.com",
            f"{draw.choice(('Bio', 'Net', 'Cyber', 'Micro', 'Agri', 'Medi', 'Fin', 'Sky'))}{word}",
            f"{word}{draw.choice(('Soft', 'Tech', 'Pay', 'Works', 'Gen', 'Bank', 'Jet'))}",
            f"{word}-{made_up(draw, 2)}",
            f"{_letters(draw)} {draw.choice(_KINDS)}",
            f"{draw.choice('ABCDGHKMST')}&{draw.choice('BCDHMT')}",
            f"{word} {draw.choice(('One', 'Plus', '24', 'II'))}",
        )
    )


def _one_of(makers: tuple[tuple[float, Callable[[Random], str]], ...], draw: Random) -> str:
    weights = [weight for weight, _ in makers]
    return draw.choices([make for _, make in makers], weights)[0](draw)


def organisation(draw: Random) -> str:
    """A company, most often an invented one, or another organisation."""
    return _one_of(
        (
            (0.22, _firm),
            (0.24, _firm_of_a_kind),
            (0.12, _registered),
            (0.1, _institution),
            (0.07, _coined),
            (0.06, _partners),
            (0.07, _letters),
            (0.12, lambda draw: draw.choice(_KNOWN)),
        ),
        draw,
    )


def invented_firm(draw: Random) -> str:
    """A company that there is not."""
    name = ""
    while not name or name in _KNOWN:
        name = _one_of(
            (
                (0.35, _firm),
                (0.3, _firm_of_a_kind),
                (0.15, _registered),
                (0.1, made_up),
                (0.05, _coined),
                (0.05, _partners),
            ),
            draw,
        )
    return name


def public_body(draw: Random) -> str:
    """An institution that is real, or sounds like one."""
    return draw.choice(_BODIES) if by_chance(draw, 0.75) else _institution(draw)


def last_name(draw: Random) -> str:
    """Somebody by the last name alone."""
    last = draw.choice(_LAST) if by_chance(draw, 0.65) else made_up(draw)
    return f"{last}-{draw.choice(_LAST)}" if by_chance(draw, 0.03) else last


def person(draw: Random) -> str:
    """Somebody by first and last name."""
    first = draw.choice(_FIRST) if by_chance(draw, 0.8) else made_up(draw, 2)
    middle = f" {draw.choice('ABCDEFGHJKLMPRSTW')}." if by_chance(draw, 0.08) else ""
    return f"{first}{middle} {last_name(draw)}"


def place(draw: Random) -> str:
    """A country, a city or a part of the world, or what sounds like a smaller place."""
    if by_chance(draw, 0.6):
        return draw.choice(PLACES)
    if by_chance(draw, 0.3):
        return made_up(draw)
    around = draw.choice(_PARTS_OF_PLACES)
    word = draw.choice((*_WORDS, *_LAST)) if by_chance(draw, 0.5) else made_up(draw, 2)
    return around.format(word)


def city_in_capitals(draw: Random) -> str:
    """A city as it stands before a report."""
    return draw.choice(_CITIES).upper()
