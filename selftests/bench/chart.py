# SPDX-License-Identifier: GPL-2.0
"""A bar chart as SVG: a group of bars a row, each bar relative to one of its group."""

from html import escape

WIDTH, LABEL, BAR, GAP = 900, 170, 14, 22
COLORS = ("#bbbbbb", "#999999", "#777777", "#8c1a1a", "#d98026", "#c9b037", "#ddd080", "#1a5fb4", "#6ca0dc")


def svg(groups, names, base):
    """groups: [(title, {name: value})]; names: {name: how it is called}; base: the name of the bar
    whose length is 1."""
    groups = [(title, values) for title, values in groups if base in values]
    longest = max((value / values[base] for _, values in groups for value in values.values()),
                  default=1)
    unit = (WIDTH - LABEL - 60) / longest
    parts, y = [], 10
    for title, values in groups:
        y += GAP
        parts.append(f'<text x="10" y="{y}" font-weight="bold">{escape(title)}</text>')
        y += 8
        for color, name in zip(COLORS, names):
            if name not in values:
                continue
            ratio = values[name] / values[base]
            middle = y + BAR - 3
            parts.append(f'<text x="{LABEL - 6}" y="{middle}" text-anchor="end">'
                         f'{escape(names[name])}</text>')
            parts.append(f'<rect x="{LABEL}" y="{y}" width="{ratio * unit:.1f}" '
                         f'height="{BAR - 2}" fill="{color}"/>')
            parts.append(f'<text x="{LABEL + ratio * unit + 6:.1f}" y="{middle}">{ratio:.2f}</text>')
            y += BAR
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + 20}" '
            'font-family="sans-serif" font-size="11">\n'
            '<rect width="100%" height="100%" fill="white"/>\n' + "\n".join(parts) + "\n</svg>\n")
