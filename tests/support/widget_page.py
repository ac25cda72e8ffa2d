"""What every widget is asked on its own page: contrast, targets, axe, motion, paper, a random reader."""

import random
import re

from axe_playwright_python.sync_playwright import Axe

AXE = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WILD = ["", "abc", "1e9", "-0", "3.14159", "NaN", "Infinity", "<b>", "1/3", "\u22127", "1e-9"]

# Every text against the colour under it, and every line of a chart, in a shadow root.
CONTRASTS = """(tag) => {
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const rgb = (colour, under) => {
        for (const fill of [under, colour]) { canvas.fillStyle = fill; canvas.fillRect(0, 0, 1, 1); }
        return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    const light = (c) => c.map((v) => linear(v / 255))
        .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
    const ratio = (a, b) => {
        const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
        return (x + 0.05) / (y + 0.05);
    };
    const root = document.querySelector(tag).shadowRoot;
    const below = (element) => {
        let under = getComputedStyle(document.body).backgroundColor;
        const chain = [];
        for (let e = element; e; e = e.parentElement) chain.unshift(getComputedStyle(e).backgroundColor);
        for (const colour of chain) under = `rgb(${rgb(colour, under)})`;
        return under;
    };
    const low = [];
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        const shown = walker.currentNode.textContent.trim() && element.getClientRects().length;
        if (!shown || element.closest("[aria-disabled=true], option")) continue;
        const look = getComputedStyle(element);
        const under = below(element);
        const value = ratio(rgb(element.closest("svg") ? look.fill : look.color, under), rgb(under, under));
        if (value < 4.5) low.push([walker.currentNode.textContent, value]);
    }
    for (const mark of root.querySelectorAll(".line, .edge, .node, .bin, .cursor")) {
        if (!mark.getClientRects().length) continue;
        const under = below(mark);
        const value = ratio(rgb(getComputedStyle(mark).stroke, under), rgb(under, under));
        if (value < 3) low.push([mark.getAttribute("class"), value]);
    }
    return low;
}"""

TARGETS = """(tag) => [...document.querySelector(tag).shadowRoot.querySelectorAll(
    "button, select, input.text, .check, summary, input[type=range], [role=gridcell]")]
    .filter((e) => e.getClientRects().length)
    .map((e) => { const box = e.getBoundingClientRect(), edge = e.matches(".cell") ? 32 : 44;
        return Math.min(box.height, box.width) >= edge ? null : [e.textContent, box.width, box.height]; })
    .filter(Boolean)"""

FAKE = """() => {
    const values = { id: "fig" }, listeners = {};
    globalThis.writes = [];
    globalThis.model = {
        get: (name) => values[name],
        set: (name, value) => { values[name] = value; writes.push(name); },
        on: (event, listener) => { (listeners[event] ??= []).push(listener); },
    };
    globalThis.assign = (name, value) => {
        values[name] = value;
        (listeners[`change:${name}`] ?? []).forEach((listener) => listener());
    };
    globalThis.cleanup = widget.default.render({ model, el: document.getElementById("host") });
}"""


def status(page):
    return page.locator("[role=status]").inner_text()


def sides(page):
    """Both sides of every '=' of the status sentence, as numbers, and the number the figure shows."""
    sums = status(page).removesuffix(".").split(" = ")[1:]
    values = [eval(side.replace("\u2212", "-").replace("·", "*")) for side in sums]
    shown = page.locator(".result:visible")
    text = shown.get_attribute("title") or shown.inner_text()
    return values, float(text.replace("\u2212", "-").replace("≈", ""))


def look_closely(page, tag, width):
    """axe, contrast, sizes of targets and sideways scrolling: what is wrong with the page as it stands."""
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": AXE}})
    return [
        *(f"{v['id']}: {v['nodes'][0]['target']}" for v in found.response["violations"]),
        *page.evaluate(CONTRASTS, tag),
        *page.evaluate(TARGETS, tag),
        *(["scrolls sideways"] if page.evaluate("document.documentElement.scrollWidth") > width else []),
    ]


def wander(page, tag, count=60, seed=0):
    """Use controls at random. Errors fail the page by themselves; no number may go wrong."""
    chance = random.Random(seed)
    for number in range(count):
        controls = page.locator(tag).locator(
            "button:visible, select:visible, input:visible, summary:visible, [role=application]:visible"
        )
        control = controls.nth(chance.randrange(controls.count()))
        if control.evaluate("e => e.tagName") == "SELECT":
            control.select_option(index=chance.randrange(control.locator("option").count()))
        else:
            control.click(force=True)
            page.keyboard.press(
                chance.choice(
                    ["Enter", "ArrowRight", "ArrowUp", "Space", "7", "-", "Escape", "x", "End", "Home"]
                )
            )
        if number % 6 == 5:
            assert not broken(page, tag)


def broken(page, tag):
    """Words that no figure may show."""
    shown = page.evaluate("(tag) => document.querySelector(tag).shadowRoot.textContent", tag)
    drawn = page.evaluate(
        "(tag) => [...document.querySelector(tag).shadowRoot.querySelectorAll('path, rect, circle, text')]"
        ".map((e) => [...e.attributes].map((a) => a.value).join()).join()",
        tag,
    )
    return re.findall(r"NaN|undefined|Infinity|null|\[object", re.sub("“.*?”", "", shown) + drawn)


def background(page):
    return page.locator(".widget").evaluate("element => getComputedStyle(element).backgroundColor")


def follows_the_theme(page):
    """The theme switch and Jupyter's own each recolour the figure where it stands."""
    light = background(page)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.wait_for_timeout(50)
    dark = background(page)
    page.evaluate(
        "delete document.documentElement.dataset.theme; document.body.dataset.jpThemeLight = 'true'"
    )
    page.wait_for_timeout(50)
    return dark != light and background(page) == light


def on_paper(page, tag):
    """No control is printed, and the paper is white: what is wrong."""
    page.emulate_media(media="print")
    page.wait_for_timeout(80)
    left = page.locator(tag).locator("button:visible, select:visible, input:visible, summary:visible").count()
    white = background(page) == "rgb(255, 255, 255)"
    return ([f"{left} controls"] if left else []) + ([] if white else [background(page)])
