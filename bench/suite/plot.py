"""plot: the pictures. One row a case, one mark a malloc, time on the left and memory on the right, as ratios to the
reference; and how nanoseconds grow with live blocks and with threads. Needs matplotlib."""
import importlib.util

from suite.tables import GROWTH_LIVE_OF_THREADS, HAKMEM

# Colours that colour-blind people tell apart, and shapes for those who print in black. Each malloc always has the same.
STYLES = {"libc": ("#999999", "s"), "mimalloc": ("#0072B2", "o"), "jemalloc": ("#E69F00", "^"),
          "tcmalloc": ("#009E73", "v"), "tbbmalloc": ("#CC79A7", "D"), HAKMEM: ("#D55E00", "*")}
OTHER_STYLES = [("#56B4E9", "P"), ("#000000", "X"), ("#F0E442", "h")]


def available():
    return importlib.util.find_spec("matplotlib") is not None


def _pyplot():
    import matplotlib
    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "bench", "font.size": 9, "axes.spines.top": False,
                                "axes.spines.right": False})
    from matplotlib import pyplot
    return pyplot


def _style(figures, name):
    others = [other for other in figures.names if other not in STYLES]
    colour, marker = STYLES.get(name) or OTHER_STYLES[others.index(name) % len(OTHER_STYLES)]
    return {"color": colour, "marker": marker}


def _plain(axis):
    from matplotlib.ticker import FuncFormatter, NullFormatter
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def _panel(axes, figures, field, title):
    # hakmem last, so that its marks are in front
    for order, name in enumerate(figures.names):
        style = _style(figures, name)
        for y, case in enumerate(figures.cases):
            ratio = figures.ratio(case.name, name, figures.reference, field)
            if ratio:
                axes.plot([ratio.least, ratio.most], [y, y], color=style["color"], alpha=0.35, linewidth=1.2,
                          zorder=order)
                axes.plot([ratio.median], [y], linestyle="none", markersize=8 if style["marker"] == "*" else 5,
                          label=name if y == 0 else None, zorder=order + 10, **style)
    axes.axvline(1, color="black", linewidth=0.6)
    axes.set_xscale("log", base=2)
    _plain(axes.xaxis)
    axes.set_title(title, loc="left")
    axes.set_xlabel(f"ratio to {figures.reference}; less is better; lines span all rounds")
    axes.grid(axis="y", linewidth=0.3)


def write(path, figures):
    pyplot = _pyplot()
    height, legend_height = 1.8 + 0.25 * len(figures.cases), 0.4  # inches
    picture, (left, right) = pyplot.subplots(1, 2, sharey=True, figsize=(13, height), layout="constrained")
    picture.get_layout_engine().set(rect=(0, 0, 1, 1 - legend_height / height))
    _panel(left, figures, "wall_s", "time")
    _panel(right, figures, "resident_kib", "peak resident memory")
    left.set_yticks(range(len(figures.cases)), [case.name for case in figures.cases])
    left.set_ylim(len(figures.cases) - 0.5, -0.5)
    handles = [pyplot.Line2D([], [], linestyle="none", label=name, **_style(figures, name)) for name in figures.names]
    picture.legend(handles=handles, loc="upper center", ncols=len(figures.names), frameon=False)
    picture.savefig(path, metadata={"Date": None, "Creator": None})
    pyplot.close(picture)


def write_growth(path, figures):
    pyplot = _pyplot()
    picture, (left, right) = pyplot.subplots(1, 2, figsize=(12, 4.5), layout="constrained")
    live = [case for case in figures.growth_cases if case.threads == 1]
    threads = [case for case in figures.growth_cases if int(case.arguments[0]) == GROWTH_LIVE_OF_THREADS]
    for axes, cases, key, label in (
            (left, live, lambda case: int(case.arguments[0]), "live blocks, one thread"),
            (right, threads, lambda case: case.threads, f"threads, {GROWTH_LIVE_OF_THREADS} live blocks in all")):
        for name in figures.names:
            points = [(key(case), figures.value(case.name, name, "ns_per_operation")) for case in cases]
            points = [point for point in points if point[1] is not None]
            if points:
                axes.plot(*zip(*points), label=name, markersize=5, linewidth=1.2, **_style(figures, name))
        axes.set_xscale("log")
        axes.set_yscale("log", base=2)
        axes.set_xlabel(label)
        axes.set_ylabel("ns per operation")
        _plain(axes.yaxis)
        axes.grid(linewidth=0.3)
    right.set_xscale("log", base=2)
    _plain(right.xaxis)
    left.legend(frameon=False)
    picture.savefig(path, metadata={"Date": None, "Creator": None})
    pyplot.close(picture)
