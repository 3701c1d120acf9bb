"""The frame of every page for paper and screen: Vietnamese first, English second, no script. Pure."""

from html import escape

from sla.i18n.texts import Text

STYLE = """
body { font: 11pt/1.4 "Times New Roman", serif; margin: 1.5rem auto; max-width: 78rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
small { font-weight: normal; opacity: .8; display: block; font-size: .8em; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; margin: .75rem 0; }
caption { text-align: start; font-weight: bold; }
th, td { border: 1px solid; padding: .2rem .4rem; text-align: end; vertical-align: top; }
tbody th, thead th:first-child, .said { text-align: start; }
tbody th:first-child, .when { white-space: nowrap; } tbody th + th { min-width: 14em; }
thead { display: table-header-group; } tr { break-inside: avoid; }
a { color: inherit; }
svg { width: 100%; min-width: 40rem; height: auto; }
@media (prefers-color-scheme: dark) { html { color-scheme: dark; } }
@media print {
  @page { size: A3 landscape; margin: 1cm; }
  body { margin: 0; max-width: none; font-size: 8pt; } .scroll { overflow: visible; } a { text-decoration: none; }
}
"""


def sheet_of_paper(title: Text, body: str) -> str:
    """A whole HTML page around a body."""
    return (
        f'<!doctype html>\n<html lang="vi">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<link rel="icon" href="data:,">\n'
        f"<title>{escape(title.vi)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{two(title)}</h1>\n{body}</body>\n</html>\n"
    )


def two(text: Text) -> str:
    """A sentence in Vietnamese with its English below."""
    return f'{escape(text.vi)} <small lang="en">{escape(text.en)}</small>'
