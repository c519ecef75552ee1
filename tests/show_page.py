#!/usr/bin/python3
"""show_page: the page of `hakfuzz show --html` in a browser, with keys as a person presses them.

Usage: show_page.py HAKFUZZ SOURCE WORK. Exit code 0 passed, 1 failed, 77 when there is no browser to drive. Nothing
here waits for time to pass: what is waited for is a state of the page, and what is bounded are counts.
"""
import os
import re
import subprocess
import sys

try:
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import WebDriverWait
except ImportError:
    print("show_page: python3-selenium is not installed (ci/setup --test)")
    sys.exit(77)

hakfuzz, source, work = sys.argv[1:4]
checks = 0


def check(holds, what, *seen):
    global checks
    checks += 1
    if not holds:
        print("FAILED:", what, *seen)
        browser.quit()
        sys.exit(1)


def find(*names):
    for name in names:
        for folder in os.environ["PATH"].split(":"):
            if os.access(os.path.join(folder, name), os.X_OK):
                return os.path.join(folder, name)
    print("show_page: no", names[0], "is installed (ci/setup --test)")
    sys.exit(77)


def make(name, arguments, expected):
    path = os.path.join(work, name + ".html")
    done = subprocess.run([hakfuzz, "show", "--html", "-o", path] + arguments, cwd=source, capture_output=True)
    if done.returncode != expected:
        print("FAILED: hakfuzz show --html", arguments, done.stderr.decode())
        sys.exit(1)
    return "file://" + path


def regress(target, fault, *more):
    return make(fault, ["--fault", fault, *more, "corpus/%s/regress/%s.hak" % (target, fault)], 1)


# ---- contrast, of the colours as they are written: text needs 4.5 to 1 -------------------------------------------------

def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(a, b):
    dark, light = sorted((luminance(a), luminance(b)))
    return (light + 0.05) / (dark + 0.05)


def palettes():
    css = open(os.path.join(source, "tools/show_page/page.css"), encoding="utf-8").read()
    blocks = re.findall(r":root(?:\[data-theme=\"dark\"\])? \{(.*?)\}", css, re.S)
    return [dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6});", block)) for block in blocks]


pairs = [("ink", "page"), ("ink", "card"), ("ink", "faint"), ("quiet", "page"), ("quiet", "card"), ("quiet", "faint"),
         ("bad", "card"), ("bad", "faint"), ("bad", "bad-soft"), ("card", "bad"), ("good", "good-soft"), ("notice", "card"),
         ("notice", "faint"), ("ink", "notice-soft"), ("accent", "card"), ("accent", "faint")]
for t in ("t0", "t1", "t2", "t3"):
    pairs += [("ink", t + "-soft"), (t, "card")]
themes = palettes()
assert len(themes) == 2 and themes[0].keys() == themes[1].keys(), "a light and a dark palette of the same names"
for theme in themes:
    for front, back in pairs:
        assert contrast(theme[front], theme[back]) >= 4.5, (front, back, contrast(theme[front], theme[back]))

# ---- the browser -----------------------------------------------------------------------------------------------------

options = Options()
options.binary_location = find("chromium", "chromium-browser", "google-chrome")
for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--force-device-scale-factor=1",
                 "--user-data-dir=" + os.path.join(work, "profile")):
    options.add_argument(argument)
options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
browser = webdriver.Chrome(service=Service(find("chromedriver")), options=options)


def run(script):
    return browser.execute_script("return " + script)


def text(element):
    return run("document.getElementById('%s').textContent" % element)


def settle():
    """What was asked to be drawn is drawn."""
    browser.execute_async_script("const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(done))")


def size(width, height):
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})


def scheme(value):
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": value}]})


def load(url):
    browser.get("about:blank")
    browser.get(url)
    WebDriverWait(browser, 60).until(lambda b: run("!!window.hakmem"))
    settle()


def press(*keys):
    ActionChains(browser).send_keys(*keys).perform()
    settle()


def at(step, what):
    check(run("hakmem.at()") == step, what, "at", run("hakmem.at()"), "not", step)
    check(text("step-number").startswith("Step %d of " % step), what, text("step-number"))


def reds(canvas):
    """How many points of a picture have the colour that is the fault's."""
    return run("""(() => {
        const probe = document.createElement("i"); probe.style.color = "var(--bad)"; document.body.append(probe);
        const bad = getComputedStyle(probe).color.match(/\\d+/g).map(Number); probe.remove();
        const from = document.getElementById("%s"), c = document.createElement("canvas");
        c.width = from.width; c.height = from.height;
        const to = c.getContext("2d", { willReadFrequently: true });
        to.drawImage(from, 0, 0);
        const d = to.getImageData(0, 0, c.width, c.height).data;
        let count = 0;
        for (let i = 0; i < d.length; i += 4) if (d[i] === bad[0] && d[i + 1] === bad[1] && d[i + 2] === bad[2]) count++;
        return count; })()""" % canvas)


def names_are_there(what):
    """What a screen reader lands on has a name."""
    tree = browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    spoken = {"button", "slider", "link", "image", "img", "region", "toolbar", "complementary", "heading",
              "columnheader", "Canvas"}
    seen = set()
    for node in tree:
        role = node.get("role", {}).get("value")
        if node.get("ignored") or role not in spoken:
            continue
        seen.add(role)
        check(node.get("name", {}).get("value", "").strip() != "", what + ": a name for every", role)
    check({"button", "slider", "link", "heading", "region", "columnheader", "complementary"} <= seen, what, seen)


def quiet(what):
    log = browser.get_log("browser")
    check(log == [], what + ": nothing in the console", log)


scheme("light")
size(1280, 900)

# A finding with an address: opens there, shows it, steps away and back.
url = regress("sequence", "carve-by-used")
load(url)
at(3, "opens at the finding")
check(text("headline") == "The address returned is already live.", "says what is wrong", text("headline"))
check("never gave them back" in text("where"), "and whose the block is", text("where"))
check(reds("map") > 200 and reds("lanes") > 200, "the fault is red in both pictures", reds("map"), reds("lanes"))
check(run("document.querySelectorAll('#slab .fault').length") == 1, "one block of the slab is marked")
check(run("document.querySelector('#slab .fault').textContent") == "s3", "the one that is live already")
check(run("document.getElementById('live').getAttribute('aria-live')") == "polite", "steps are told")
at_fault = text("live")
press(Keys.ARROW_LEFT)
at(2, "left is one back")
check(text("live") != at_fault and "trim" in text("live"), "what is told follows", text("live"))
check(run("document.querySelectorAll('#slab .fault').length") == 0, "the fault is in its step only")
press(Keys.HOME)
at(0, "Home")
check(run("document.querySelectorAll('#slab .cells li.live').length") == 4, "four blocks live after step 0")
check(run("document.querySelectorAll('#blocks tr').length") == 5, "and stand in the table")
check(run("document.getElementById('back').disabled"), "there is no way back")
press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
at(2, "right, twice")
check(run("location.hash") == "#step=2", "the address follows")
press("f")
at(3, "f is the finding")
press("?")
check(run("document.getElementById('help').open"), "? is help")
press(Keys.ARROW_LEFT)
at(3, "keys stay in the help")
press(Keys.ESCAPE)
check(not run("document.getElementById('help').open"), "Escape leaves it")
ActionChains(browser).move_to_element_with_offset(browser.find_element("id", "lanes"), -100, 0).click().perform()
settle()
check(run("hakmem.at()") < 3, "a click goes to its step")
check(run("document.documentElement.dataset.theme") == "light", "light where the system is")
press("t")
check(run("document.documentElement.dataset.theme") == "dark", "t is dark")
press("f")
check(reds("map") > 200, "the fault is red in the dark")
names_are_there("a finding")
quiet("a finding")
load(url + "#step=1")
at(1, "a link to a step")

# A switch, a remote free and an exchange that fails.
scheme("dark")
load(regress("threads", "push-keeps-head", "--source-url", "https://example.org/{file}#L{line}"))
check(run("document.documentElement.dataset.theme") == "dark", "dark where the system is")
press(Keys.HOME, "n")
at(3, "n is the next switch")
check("t2 goes on" in text("step-words") and not run("document.getElementById('source-box').hidden"), "with its lines")
check("hak_plain_store" in run("document.querySelector('#source .here').textContent"), "of the source")
check(re.fullmatch(r"https://example\.org/allocator/links\.h#L\d+", run("document.querySelector('#source-place a').href")),
      "and a link to it")
press("n")
at(5, "n is a failed exchange, too")
check("t2 changed the word in step 4" in text("step-words"), "that says why", text("step-words"))
press("p")
at(3, "p goes back")
check(run("hakmem.drawn.arrows") == 4, "arrows: a switch, two remote frees, a failure", run("hakmem.drawn.arrows"))
press("f")
check("1 block" in text("heaps"), "the remote queue's length is shown", text("heaps"))
check(text("heaps").count("open") == 2, "and its state")
names_are_there("a switch")
for width in (320, 390, 700):
    size(width, 800)
    settle()
    check(run("document.documentElement.scrollWidth") <= width, "nothing is wider than the screen", width)
    for shown in (".legend .key", "#next-mark", "#to-finding", "#under"):
        check(run("[...document.querySelectorAll('%s')].every((e) => e.offsetHeight > 0 && e.textContent)" % shown),
              "at %d points it says what is what:" % width, shown)
    check(run("document.getElementById('steps').offsetTop > document.getElementById('shared').offsetTop"),
          "in one column the state comes before the steps", width)
size(1280, 800)
settle()
check(run("document.getElementById('steps').offsetTop < document.getElementById('shared').offsetTop + 400"),
      "beside the state no space is empty")
quiet("a switch")

# Nothing wrong: nothing red.
size(1280, 900)
scheme("light")
load(make("clean", ["corpus/threads/seed/producer-consumer.hak"], 0))
at(0, "a clean run opens at its beginning")
check(reds("map") == 0 and reds("lanes") == 0, "nothing is red")
check(run("document.getElementById('to-finding').hidden"), "there is no finding to go to")
press(Keys.END)
check(run("hakmem.at()") == run("hakmem.steps") - 1, "End")
quiet("a clean run")

# Another malloc: no panel for what nobody sees.
planted = os.path.join(os.path.dirname(hakfuzz), "planted.so")
with open(os.path.join(work, "twice.hak"), "w", encoding="ascii") as file:
    file.write("hakmem 1\nt0 malloc s0 64\nt1 free s0\nt0 malloc s1 64\nt0 malloc s2 64\n")
os.environ["HAKMEM_PLANTED"] = "twice"
load(make("twice", ["--malloc", planted, os.path.join(work, "twice.hak")], 1))
at(3, "a run on another malloc opens at its finding")
check(reds("map") > 0, "the fault is red")
check(run("document.querySelector('aside') === null && document.getElementById('slab') === null"), "no panels of state")
check("note" in text("blocks") and "the fault is about this one" in text("blocks"), "the block is marked", text("blocks"))
check("heap" not in text("blocks") and "slab" not in text("blocks"), "nothing of an inside")
press(Keys.HOME)
press(Keys.ARROW_RIGHT)
check("which t0 allocated" in text("step-words"), "a block of another thread", text("step-words"))
quiet("another malloc")

# Long: what is drawn and what stands in the page follows the window, not the tape.
lines = ["hakmem 1", "geometry small", "slots 64", "mode random 1"]
for i in range(4096):
    draw = i * 2654435761 % 4294967296
    kind = "malloc s%d 96" if draw >> 8 & 1 else "free s%d"
    lines.append("t%d " % (draw >> 16 & 3) + kind % (draw >> 20 & 63))
with open(os.path.join(work, "long.hak"), "w", encoding="ascii") as file:
    file.write("\n".join(lines) + "\n")
load(make("long", ["--target", "threads", os.path.join(work, "long.hak")], 0))
check(run("hakmem.steps") >= 10000, "ten thousand steps", run("hakmem.steps"))
for keys in ([Keys.END], [Keys.PAGE_UP], ["n"], ["p"], [Keys.HOME]):
    press(*keys)
    check(run("hakmem.drawn.bars") <= 400 and run("hakmem.drawn.arrows") <= 1200, "as many as are in view")
    check(run("hakmem.drawn.blocks") <= 600, "blocks likewise", run("hakmem.drawn.blocks"))
    check(run("document.querySelectorAll('*').length") < 2500, "elements", run("document.querySelectorAll('*').length"))
    check(run("document.querySelectorAll('#steps tr[aria-current]').length") == 1, "the current step is in the table")
press(*["-"] * 30)
check(run("hakmem.drawn.bars") <= 400, "however narrow they are", run("hakmem.drawn.bars"))
quiet("a long run")
browser.quit()
print("show_page: %d checks passed" % checks)
