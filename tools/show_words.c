/* show_words: what happened, in sentences. */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "allocator/check.h"
#include "oracle/site.h"
#include "oracle/text.h"
#include "tools/show.h"

const char *show_thread(uint8_t thread) {
    static const char *const names[PROGRAM_THREADS_MAX] = {"t0", "t1", "t2", "t3"};
    return thread < PROGRAM_THREADS_MAX ? names[thread] : "nobody we know";
}

const char *show_errno(int error) {
    const char *name = error != 0 ? strerrorname_np(error) : "";
    return name != NULL ? name : "?";
}

uint32_t show_threads(const struct showing *showing) {
    uint32_t seen = 0;
    for (uint32_t i = 0; i < showing->tape.step_count; i++) {
        seen |= UINT32_C(1) << showing->tape.steps[i].thread;
    }
    return (uint32_t)__builtin_popcount(seen);
}

/* What was said already ends at *used. */
static void say(char *text, size_t capacity, size_t *used, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static void say(char *text, size_t capacity, size_t *used, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = *used < capacity ? vsnprintf(text + *used, capacity - *used, format, arguments) : 0;
    va_end(arguments);
    *used += length > 0 ? (size_t)length : 0;
}

void show_operation(const struct showing *showing, const struct tape_step *step, char *text, size_t capacity) {
    if (step->record < showing->program.record_count) {
        struct record record = program_record(&showing->program, step->record);
        text_format_record(&record, text, capacity);
    } else if (step->thread != 0) {
        snprintf(text, capacity, "the thread ends");
    } else {
        snprintf(text, capacity, step->change_count > 0 ? "all is freed" : "final checks");
    }
}

static void say_change(const struct showing *showing, const struct tape_change *change, char *text, size_t capacity,
                       size_t *used) {
    switch ((enum tape_change_kind)change->kind) {
    case TAPE_ALLOCATED:
        say(text, capacity, used, "s%u gets %zu B at 0x%" PRIx64, change->slot, change->bytes, change->offset);
        break;
    case TAPE_FREED:
        say(text, capacity, used, "s%u gives back %zu B at 0x%" PRIx64, change->slot, change->bytes, change->offset);
        if (change->is_remote) {
            say(text, capacity, used,
                showing->tape.is_foreign ? ", which %s allocated" : ", a block of %s's heap (remote free)",
                show_thread(change->owner));
        }
        break;
    case TAPE_GREW:
        say(text, capacity, used, "s%u may use %zu B at 0x%" PRIx64, change->slot, change->bytes, change->offset);
        break;
    }
}

/* Whether it is about bytes of the block that the finding is about. */
static bool change_touches(const struct tape_change *change, const struct tape_step *finding) {
    const struct tape_place *place = &finding->state.place;
    uint64_t low = place->bytes != 0 ? place->start : finding->offset;
    uint64_t high = low + (place->bytes != 0 ? place->bytes : 1);
    return finding->offset != 0 && change->offset < high && change->offset + change->bytes + (change->bytes == 0) > low;
}

/* Of many changes the first few, and any that the finding is about. */
static void say_changes(const struct showing *showing, const struct tape_step *step, char *text, size_t capacity,
                        size_t *used) {
    enum { CHANGES_SAID = 3 };
    const struct tape_change *changes = showing->tape.changes + step->first_change;
    uint32_t at = show_finding_step(showing), said = 0;
    const struct tape_step *finding = at == SHOW_NO_STEP ? NULL : &showing->tape.steps[at];
    for (uint32_t i = 0; i < step->change_count; i++) {
        bool is_first = i + 1 < CHANGES_SAID || step->change_count == CHANGES_SAID;
        if (is_first || (finding != NULL && change_touches(&changes[i], finding))) {
            say(text, capacity, used, said++ == 0 ? ": " : "; ");
            say_change(showing, &changes[i], text, capacity, used);
        }
    }
    if (said < step->change_count) {
        say(text, capacity, used, "%s%" PRIu32 "%s", said == 0 ? ": " : "; and ", step->change_count - said,
            said == 0 ? " blocks" : " more");
    }
}

static void say_failure(const struct tape_step *step, const char *link, const char *site, char *text, size_t capacity,
                        size_t *used) {
    bool is_lock = step->site->kind == HAK_SITE_LOCK;
    say(text, capacity, used, is_lock ? "%sthe lock at %s is taken" : "%sthe compare-exchange at %s fails", link, site);
    if (step->count > 1) {
        say(text, capacity, used, ", %" PRIu32 " times in a row", step->count);
    }
    if (step->other != TAPE_NOBODY && !is_lock) {
        say(text, capacity, used, "; %s changed the word in step %" PRIu32, show_thread(step->other), step->other_step);
    } else if (step->other != TAPE_NOBODY) {
        say(text, capacity, used, "; %s took it in step %" PRIu32, show_thread(step->other), step->other_step);
    }
}

void show_step_words(const struct showing *showing, uint32_t index, char *text, size_t capacity) {
    const struct tape_step *step = &showing->tape.steps[index];
    char operation[SHOW_OPERATION_BYTES], site[64] = "";
    size_t used = 0;
    if (step->site != NULL) {
        site_text(step->site, site, sizeof site);
    }
    show_operation(showing, step, operation, sizeof operation);
    say(text, capacity, &used, "%s %s%s", show_thread(step->thread), step->begins ? "" : "goes on with ", operation);
    if (step->kind != TAPE_FINDING) {
        say_changes(showing, step, text, capacity, &used);
    }
    const char *link = step->change_count > 0 ? "; " : ": ";
    switch ((enum tape_kind)step->kind) {
    case TAPE_NOTHING:
        say(text, capacity, &used, ": does not apply, nothing is done");
        break;
    case TAPE_SWITCH:
        say(text, capacity, &used, "%sstopped at %s, %s goes on", link, site, show_thread(step->other));
        break;
    case TAPE_STALE:
        say(text, capacity, &used, "%sthe load at %s sees what is %" PRIu32 " store%s old", link, site, step->count,
            step->count == 1 ? "" : "s");
        break;
    case TAPE_FAILED:
        say_failure(step, link, site, text, capacity, &used);
        break;
    case TAPE_FINDING:
        say(text, capacity, &used, ": %s", showing->execution.verdict.message);
        break;
    case TAPE_DONE:
        if (step->error != 0) {
            say(text, capacity, &used, "%srefused, %s", link, show_errno(step->error));
        }
        break;
    case TAPE_KIND_COUNT:
        break;
    }
}

uint32_t show_finding_step(const struct showing *showing) {
    const struct tape *tape = &showing->tape;
    bool is_last = tape->step_count > 0 && tape->steps[tape->step_count - 1].kind == TAPE_FINDING;
    return is_last ? tape->step_count - 1 : SHOW_NO_STEP;
}

void show_headline(const struct showing *showing, char *text, size_t capacity) {
    const struct verdict *verdict = &showing->execution.verdict;
    if (verdict->check == CHECK_NONE) {
        snprintf(text, capacity, "Nothing is wrong: %" PRIu32 " operations in %" PRIu32 " records, every check held.",
                 verdict->operations, showing->program.record_count);
    } else {
        snprintf(text, capacity, "%s", check_table[verdict->check].meaning);
    }
}

/* Whose the bytes are that the finding is about, or were last. */
static void say_tenant(const struct showing *showing, uint32_t finding_index, char *text, size_t capacity,
                       size_t *used) {
    const struct tape_step *finding = &showing->tape.steps[finding_index];
    uint32_t born_in = SHOW_NO_STEP, freed_in = SHOW_NO_STEP, slot = 0;
    for (uint32_t i = 0; i <= finding_index; i++) {
        const struct tape_step *step = &showing->tape.steps[i];
        for (uint32_t c = 0; c < step->change_count; c++) {
            const struct tape_change *change = &showing->tape.changes[step->first_change + c];
            if (!change_touches(change, finding) || change->kind == TAPE_GREW) {
                continue;
            }
            freed_in = change->kind == TAPE_FREED ? i : SHOW_NO_STEP;
            born_in = change->kind == TAPE_ALLOCATED ? i : born_in;
            slot = change->slot;
        }
    }
    if (born_in == SHOW_NO_STEP) {
        return;
    }
    const struct tape_step *born = &showing->tape.steps[born_in];
    char operation[SHOW_OPERATION_BYTES];
    show_operation(showing, born, operation, sizeof operation);
    say(text, capacity, used, " Slot s%" PRIu32 " got the bytes there in step %" PRIu32 ", from \"%s\" on %s", slot,
        born_in, operation, show_thread(born->thread));
    if (freed_in == SHOW_NO_STEP) {
        say(text, capacity, used, ", and never gave them back.");
        return;
    }
    const struct tape_step *freed = &showing->tape.steps[freed_in];
    show_operation(showing, freed, operation, sizeof operation);
    say(text, capacity, used, ", and gave them back in step %" PRIu32 ", by \"%s\" on %s.", freed_in, operation,
        show_thread(freed->thread));
}

void show_where(const struct showing *showing, char *text, size_t capacity) {
    const struct verdict *verdict = &showing->execution.verdict;
    uint32_t index = show_finding_step(showing);
    size_t used = 0;
    text[0] = '\0';
    if (verdict->check == CHECK_NONE) {
        return;
    }
    if (index == SHOW_NO_STEP) {
        say(text, capacity, &used, "It showed when the run was over: %s.", verdict->message);
        return;
    }
    const struct tape_step *step = &showing->tape.steps[index];
    char operation[SHOW_OPERATION_BYTES];
    show_operation(showing, step, operation, sizeof operation);
    if (step->record < showing->program.record_count) {
        say(text, capacity, &used, "It showed in step %" PRIu32 ", inside \"%s\" on thread %s: %s.", index, operation,
            show_thread(step->thread), verdict->message);
    } else {
        say(text, capacity, &used, "It showed in the checks after the last record: %s.", verdict->message);
    }
    say_tenant(showing, index, text, capacity, &used);
}

/* --- which steps matter --- */

static bool touches(const struct showing *showing, const struct tape_step *step, const struct tape_step *finding) {
    for (uint32_t i = 0; i < step->change_count; i++) {
        if (change_touches(&showing->tape.changes[step->first_change + i], finding)) {
            return true;
        }
    }
    return false;
}

static bool frees_remotely(const struct showing *showing, const struct tape_step *step) {
    for (uint32_t i = 0; i < step->change_count; i++) {
        if (showing->tape.changes[step->first_change + i].is_remote) {
            return true;
        }
    }
    return false;
}

static bool ends_thread(const struct showing *showing, const struct tape_step *step) {
    return step->record < showing->program.record_count && step->kind == TAPE_DONE &&
           program_record(&showing->program, step->record).op == OP_THREAD_END;
}

/* Whether a block that the step allocated is freed by another thread later on. */
static bool makes_remote(const struct showing *showing, uint32_t index, uint32_t end) {
    const struct tape *tape = &showing->tape;
    const struct tape_step *step = &tape->steps[index];
    for (uint32_t i = step->first_change; i < step->first_change + step->change_count; i++) {
        for (uint32_t later = i + 1; later < tape->steps[end].first_change; later++) {
            if (tape->changes[later].slot == tape->changes[i].slot && tape->changes[later].kind == TAPE_FREED) {
                if (tape->changes[later].is_remote) {
                    return true;
                }
                break;
            }
        }
    }
    return false;
}

/* The finding's block where it is about one; what threads do to each other; what its own thread did last. */
static bool matters(const struct showing *showing, uint32_t index, uint32_t finding_index) {
    const struct tape_step *step = &showing->tape.steps[index], *finding = &showing->tape.steps[finding_index];
    bool is_between = step->kind == TAPE_SWITCH || step->kind == TAPE_STALE || step->kind == TAPE_FAILED;
    if (touches(showing, step, finding)) {
        return true;
    }
    bool is_near = step->thread == finding->thread && finding_index - index <= 2;
    bool is_remote = frees_remotely(showing, step) || makes_remote(showing, index, finding_index);
    return is_between || is_remote || ends_thread(showing, step) || (is_near && step->kind != TAPE_NOTHING);
}

uint32_t show_story(const struct showing *showing, uint32_t steps[SHOW_STORY_MAX]) {
    uint32_t finding = show_finding_step(showing), count = 0;
    if (finding == SHOW_NO_STEP) {
        return 0;
    }
    steps[SHOW_STORY_MAX - ++count] = finding;
    for (uint32_t i = finding; i-- > 0 && count < SHOW_STORY_MAX;) {
        if (matters(showing, i, finding)) {
            steps[SHOW_STORY_MAX - ++count] = i;
        }
    }
    memmove(steps, steps + SHOW_STORY_MAX - count, count * sizeof *steps);
    return count;
}
