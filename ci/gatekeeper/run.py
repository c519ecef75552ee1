"""run: carries stages out side by side. A stage takes some of the processes that --jobs allows, and begins when what it
needs is green; progress goes to standard error, a line for each beginning and end, and now and then who is still at it.

One thread a running stage, and the caller's, which alone prints. Stages share nothing but the context, which they only
read, and build trees, of which a stage of stage_build owns one each."""
import os
import queue
import signal
import sys
import threading
import time

from .machine import Finding, Log, Red, Unable

PASS, FAIL, UNABLE, SKIP = "pass", "fail", "unable", "skip"
TELL_S = 20


class Context:
    """What a stage may look at. log is its own; jobs how many processes it may have."""

    def __init__(self, options, change):
        self.options, self.change = options, change
        self.size, self.seed, self.jobs, self.log = options.size, change.seed, options.jobs, None
        self.stages = ()  # the names of all that are to run

    def of(self, quick, default, full):
        return {"quick": quick, "default": default, "full": full}[self.size]

    def for_stage(self, stage, log):
        own = Context.__new__(Context)
        own.__dict__.update(self.__dict__, log=log, jobs=stage.width(self.jobs))
        return own


class Result:
    def __init__(self, stage, status, note="", findings=(), begin_s=0.0, end_s=0.0, log=None):
        self.stage, self.status, self.note, self.findings = stage, status, note, list(findings)
        self.begin_s, self.end_s, self.log = begin_s, end_s, log

    @property
    def seconds(self):
        return self.end_s - self.begin_s


class Outcome:
    def __init__(self, context, results, seconds):
        self.context, self.results, self.seconds = context, results, seconds
        statuses = {result.status for result in results}
        self.code = 1 if FAIL in statuses else 2 if UNABLE in statuses else 0


class Skip(Exception):
    """Nothing to judge here, for a reason that is no fault of anybody."""


def carry_out(stage, context, begin_s, now):
    log = context.log
    try:
        note = stage.function(context)
        result = Result(stage, PASS, note or "")
    except Skip as why:
        result = Result(stage, SKIP, str(why))
    except Red as red:
        result = Result(stage, FAIL, red.findings[0].message.splitlines()[0] if red.findings else "red", red.findings)
    except Unable as why:
        result = Result(stage, UNABLE, str(why))
    except Exception as error:  # a mistake of ours must not look green
        result = Result(stage, UNABLE, f"{type(error).__name__}: {error}")
    log.write(f"== {result.status}: {result.note}")
    log.file.close()
    result.begin_s, result.end_s, result.log = begin_s, now(), log.path
    return result


def say(text):
    print(text, file=sys.stderr, flush=True)


def run_all(chosen, context):
    started = time.monotonic()

    def now():
        return time.monotonic() - started

    waiting, results, running, free = list(chosen), {}, {}, context.options.jobs
    names = {stage.name for stage in chosen}
    context.stages = sorted(names)
    ended = queue.Queue()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    say(f"gate: {len(chosen)} stages, size {context.size}, {context.options.jobs} processes, seed {context.seed}; "
        f"{context.change.sentence()}")
    told_s = 0.0
    while waiting or running:
        if stop.is_set():
            for _, log in running.values():
                log.stop()
            for stage in waiting:
                results[stage.name] = Result(stage, UNABLE, "interrupted")
            waiting = []
        for stage in list(waiting):
            needed = [name for name in stage.needs if name in names]
            if any(name in results and results[name].status in (FAIL, UNABLE, SKIP) and
                   not (results[name].status == SKIP and results[name].log) for name in needed):
                cause = next(name for name in needed if name in results and results[name].status != PASS)
                results[stage.name] = Result(stage, SKIP, f"not run: {cause} is not green")
                waiting.remove(stage)
                continue
            width = stage.width(context.options.jobs)
            if all(name in results for name in needed) and width <= free:
                log = Log(os.path.join(context.options.out, f"{stage.name}.log"))
                own = context.for_stage(stage, log)
                begin_s = now()
                thread = threading.Thread(
                    target=lambda s=stage, c=own, b=begin_s: ended.put(carry_out(s, c, b, now)), daemon=True)
                running[stage.name] = (begin_s, log)
                free -= width
                waiting.remove(stage)
                say(f"{now():5.0f} s  {stage.name}: {stage.about}")
                thread.start()
            elif all(name in results for name in needed):
                break  # the order of the table: a wide one is not starved by narrow ones behind it
        try:
            result = ended.get(timeout=0.2)
        except queue.Empty:
            if now() - told_s > TELL_S and running:
                told_s = now()
                say(f"{now():5.0f} s  ... " + ", ".join(f"{name} ({now() - begin:.0f} s)"
                                                       for name, (begin, _) in running.items()))
            continue
        told_s = now()
        results[result.stage.name] = result
        del running[result.stage.name]
        free += result.stage.width(context.options.jobs)
        word = {PASS: "ok", FAIL: "RED", UNABLE: "COULD NOT RUN", SKIP: "not judged"}[result.status]
        say(f"{now():5.0f} s  {result.stage.name}: {word} after {result.seconds:.1f} s{': ' if result.note else ''}{result.note}")
        for finding in result.findings[:8]:
            place = f"{finding.file}{':' + str(finding.line) if finding.line else ''}: " if finding.file else ""
            say("         | " + place + finding.message.replace("\n", "\n         | "))
    return Outcome(context, [results[stage.name] for stage in chosen], now())


def red(rule, message, file=None, line=None):
    raise Red([Finding(rule, message, file, line)])
