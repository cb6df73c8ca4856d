"""Tables in Markdown, and one plot in SVG."""


def table(head, rows):
    """A table; the first column is text, the others are figures."""
    lines = ["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def ms(microseconds):
    return f"{microseconds / 1000:.2f}"


def count(number):
    return f"{number:,.0f}"


def bars(title, groups, names, unit):
    """Grouped horizontal bars: `groups` maps a heading to one value for each name."""
    colours = {"nginx": "#8a9ba8", "bare": "#c9b26b", "gateway": "#3b6ea5", "direct": "#d5d8dc"}
    row, left, width = 20, 170, 420
    most = max(value for values in groups.values() for value in values)
    height = 50 + sum(row * len(values) + 26 for values in groups.values())
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 110}" height="{height}" '
           f'font-family="sans-serif" font-size="12">',
           f'<rect width="100%" height="100%" fill="white"/><text x="10" y="22" font-size="14">{title}</text>']
    y = 46
    for heading, values in groups.items():
        out.append(f'<text x="10" y="{y + 6}" font-weight="bold">{heading}</text>')
        y += 14
        for name, value in zip(names, values):
            length = width * value / most
            colour = colours.get(name.split()[0], "#3b6ea5")
            out.append(f'<text x="{left - 8}" y="{y + 13}" text-anchor="end">{name}</text>'
                       f'<rect x="{left}" y="{y + 2}" width="{length:.1f}" height="{row - 6}" fill="{colour}"/>'
                       f'<text x="{left + length + 6:.1f}" y="{y + 13}">{value:.2f} {unit}</text>')
            y += row
        y += 12
    return "\n".join(out + ["</svg>"]) + "\n"
