"""The words that companies, people and campaigns are named with."""

from __future__ import annotations

FIRST_NAMES = (
    "Anna", "Ben", "Carla", "David", "Elif", "Felix", "Greta", "Hugo", "Ines", "Jonas", "Katarina",
    "Liam", "Maja", "Noah", "Olivia", "Pavel", "Quentin", "Rosa", "Samuel", "Tereza", "Umut", "Vera",
    "William", "Xenia", "Yusuf", "Zoë", "Amélie", "Björn", "Chiara", "Dmitri", "Esther", "François",
    "Giulia", "Henrik", "Ingrid", "José", "Klara", "Lucía", "Mateo", "Nadia", "Oskar", "Priya", "Rafael",
    "Søren", "Tomás", "Wiebke",
)  # fmt: skip
LAST_NAMES = (
    "Andersson", "Bauer", "Costa", "Dubois", "Eriksen", "Fischer", "García", "Hansen", "Ivanova",
    "Jansen", "Kowalski", "Lindqvist", "Moreau", "Novák", "O'Brien", "Petrov", "Rossi", "Schneider",
    "Taylor", "Ünal", "van Dijk", "Weber", "Yılmaz", "Zimmermann", "Almeida", "Bianchi", "Clarke",
    "de Vries", "Evans", "Fontaine", "Gruber", "Horvat", "Jensen", "Keller", "Laurent", "Müller", "Nielsen",
    "Olsen", "Peeters", "Quinn", "Ricci", "Svensson", "Thompson", "Vogel", "Walsh", "Ziegler",
    "McCarthy", "Szabó", "Łukasik", "Brandt",
)  # fmt: skip
COMPANY_STARTS = (
    "Alder", "Baltic", "Cedar", "Delta", "Ember", "Fjord", "Granit", "Hansa", "Iris", "Juniper",
    "Kestrel", "Lumen", "Meridian", "Nordlicht", "Orchard", "Pallas", "Quarry", "Rhône", "Saxon",
    "Tessin", "Umbra", "Vista", "Weser", "Zephyr", "Arden", "Brook", "Castell", "Dorado", "Elbe",
    "Falken", "Glen", "Harbour", "Isar", "Jura", "Kronos",
)  # fmt: skip
COMPANY_ENDS = (
    "Logistics", "Bearings", "Foods", "Insurance", "Software", "Pharma", "Energy", "Textiles", "Robotics",
    "Media", "Packaging", "Consulting", "Optics", "Machinery", "Health", "Retail", "Analytics",
    "Chemicals", "Mobility", "Bank",
)  # fmt: skip
INDUSTRIES = {
    "Logistics": "Transportation", "Bearings": "Manufacturing", "Foods": "Food & Beverage",
    "Insurance": "Insurance", "Software": "Technology", "Pharma": "Biotechnology", "Energy": "Energy",
    "Textiles": "Apparel", "Robotics": "Manufacturing", "Media": "Media", "Packaging": "Manufacturing",
    "Consulting": "Consulting", "Optics": "Electronics", "Machinery": "Machinery", "Health": "Healthcare",
    "Retail": "Retail", "Analytics": "Technology", "Chemicals": "Chemicals", "Mobility": "Transportation",
    "Bank": "Banking",
}  # fmt: skip
PLACES = (
    "Hamburg", "Porto", "Lyon", "Gent", "Malmö", "Bristol", "Bilbao", "Austin", "Graz", "Utrecht", "Bergen",
    "Leeds", "Nantes", "Aarhus", "Bremen", "Valencia", "Denver", "Basel", "Breda", "Turku", "Cork", "Lille",
    "Braga", "Linz", "Odense", "Kiel", "Dundee", "Rennes", "Sevilla", "Tampa", "Leipzig", "Delft", "Umeå",
    "York", "Dijon", "Aveiro", "Bern", "Boise", "Mainz", "Zwolle", "Vaasa", "Hull", "Metz", "Coimbra",
    "Salzburg", "Lund", "Ulm", "Perth", "Toulon", "Murcia",
)  # fmt: skip
# Legal form, region, how a phone number begins.
COUNTRIES = {
    "Germany": ("GmbH", "DACH", "+49 30"),
    "United Kingdom": ("Ltd", "UK & Ireland", "+44 20"),
    "France": ("SAS", "France", "+33 1"),
    "Netherlands": ("B.V.", "Benelux", "+31 20"),
    "Sweden": ("AB", "Nordics", "+46 8"),
    "Spain": ("S.L.", "Iberia", "+34 91"),
    "United States": ("Inc.", "North America", "+1 212"),
}
REGIONS = tuple(region for _, region, _ in COUNTRIES.values())
SEGMENTS = {
    "Small business": (12, 99),
    "Mid-market": (100, 999),
    "Enterprise": (1000, 24000),
}
TITLES = {
    "Decision maker": ("Chief Operating Officer", "VP Operations", "Managing Director", "Head of IT"),
    "Economic buyer": ("Chief Financial Officer", "Head of Procurement", "Finance Director"),
    "Champion": ("Operations Manager", "IT Manager", "Marketing Operations Lead", "Product Owner"),
    "Influencer": ("Solutions Architect", "Data Analyst", "Project Manager", "Team Lead Logistics"),
    "User": ("Working Student", "Junior Buyer", "Assistant to the Board", "Specialist"),
}
SOURCES = ("Web", "Trade Show", "Partner Referral", "Phone Inquiry", "Purchased List", "Other")
# What HubSpot calls where somebody came from.
HUBSPOT_SOURCES = {
    "Web": "ORGANIC_SEARCH", "Trade Show": "OFFLINE", "Partner Referral": "REFERRALS",
    "Phone Inquiry": "OFFLINE", "Purchased List": "OFFLINE", "Other": "DIRECT_TRAFFIC",
}  # fmt: skip
RIVAL = "Nimbatec"
RIVALS = ("Orbitra", "Helvion", "Planwerk Nord")
KINDS = {
    "Webinar": (
        "Webinar: Forecasting without spreadsheets",
        "Webinar: What your ERP will not tell you",
        "Webinar: Five planning mistakes and their price",
    ),
    "Trade Show": (
        "LogiMAT {year} booth",
        "Hannover Messe {year}",
        "Supply Chain Summit {year}",
    ),
    "Content": (
        "Buyer's guide download {year}",
        "Whitepaper: The planner's day",
        "Benchmark report {year}",
    ),
    "Search Ad": (
        "Paid search: planning software",
        "Paid search: brand {year}",
    ),
    "Email": (
        "Nurture: trial never finished",
        "Newsletter readers, spring {year}",
        "Nurture: lost deals after nine months",
    ),
    "Partner Event": (
        "Partner breakfast with Hansa Consulting",
        "Reseller day {year}",
    ),
    "Outbound": (
        "SDR outbound: mid-market manufacturing",
        "SDR outbound: job changers",
    ),
    "Social": (
        "LinkedIn lead form: free assessment",
        "Giveaway: win a planner's weekend",
    ),
}
