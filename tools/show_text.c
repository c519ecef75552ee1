/* show_text: the run for a terminal: records with what they did, threads as lanes, the blocks around the fault, and
 * what went wrong, which comes last since that is where the reader's eyes are. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/site.h"
#include "oracle/text.h"
#include "tools/show.h"
#include "tools/terminal.h"

enum { LINE_BYTES = 512 };
#define OFFSET_COLUMNS(showing) ((showing)->tape.is_foreign ? 14 : 10)

/* --- records --- */

/* The header lines of the text form, or what follows its records. */
static void print_text_part(const char *text, bool before_records, FILE *out) {
    bool records_seen = false;
    for (const char *line = text; *line != '\0';) {
        size_t length = strcspn(line, "\n") + 1;
        bool record = line[0] == 't' && line[1] >= '0' && line[1] <= '9';
        bool gene_or_tail = strncmp(line, "gene", 4) == 0 || strncmp(line, "tail", 4) == 0;
        records_seen = records_seen || record || gene_or_tail;
        if (!record && before_records == !records_seen) {
            fprintf(out, "%.*s", (int)length, line);
        }
        if (line[length - 1] == '\0') {
            break;
        }
        line += length;
    }
}

/* Widths of the columns that vary. */
struct widths {
    int operation;
    int size;
};

static int wider(int width, const char *text) {
    int length = (int)strlen(text);
    return length > width ? length : width;
}

static void record_words(const struct showing *showing, uint32_t i, char *text, size_t capacity) {
    struct record record = program_record(&showing->program, i);
    text_format_record(&record, text, capacity);
}

static void format_size(const struct showing *showing, uint32_t i, const struct tape_step *step, char *buffer,
                        size_t capacity) {
    struct record record = program_record(&showing->program, i);
    bool has_size = step != NULL && step->kind == TAPE_DONE && (program_op_info[record.op].fields & FIELD_SIZE) != 0;
    snprintf(buffer, has_size ? capacity : 1, "%zu", has_size ? step->size_bytes : 0);
}

/* Steps by the record they end; NULL where it was not reached. */
static const struct tape_step **ends_of_records(const struct showing *showing) {
    const struct tape_step **ends = calloc((size_t)showing->program.record_count + 1, sizeof *ends);
    for (uint32_t i = 0; ends != NULL && i < showing->tape.step_count; i++) {
        const struct tape_step *step = &showing->tape.steps[i];
        if (step->ends && step->kind != TAPE_FINDING && step->record < showing->program.record_count) {
            ends[step->record] = step;
        }
    }
    return ends;
}

static void print_record(const struct showing *showing, uint32_t i, const struct tape_step *step, struct widths widths,
                         FILE *out) {
    const struct verdict *verdict = &showing->execution.verdict;
    bool culprit = verdict->check != CHECK_NONE && verdict->record == i;
    bool applied = step != NULL && step->kind == TAPE_DONE;
    char line[LINE_BYTES], words[SHOW_OPERATION_BYTES], offset[24] = "", size[24] = "";
    record_words(showing, i, words, sizeof words);
    size_t used = (size_t)snprintf(line, sizeof line, "%5" PRIu32 "  t%u  %-*s  ", i,
                                   step != NULL ? step->thread : program_record(&showing->program, i).thread,
                                   widths.operation, words);
    if (applied && step->offset != 0) {
        snprintf(offset, sizeof offset, "0x%" PRIx64, step->offset);
    }
    format_size(showing, i, step, size, sizeof size);
    if (culprit) {
        snprintf(line + used, sizeof line - used, "<-- finding");
    } else if (!applied) {
        snprintf(line + used, sizeof line - used, "%s", step == NULL ? "not reached" : "did nothing");
    } else {
        snprintf(line + used, sizeof line - used, "%*s  %*s  %-6s  %s", OFFSET_COLUMNS(showing), offset, widths.size,
                 size, show_errno(step->error), step->text);
    }
    show_line(culprit ? colour_bad(out) : applied ? "" : colour_faint(out), line, out);
}

static bool print_records(const struct showing *showing, FILE *out) {
    const struct tape_step **ends = ends_of_records(showing);
    struct widths widths = {wider(0, "operation"), wider(0, "size")};
    if (ends == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < showing->program.record_count; i++) {
        char words[SHOW_OPERATION_BYTES], size[24];
        record_words(showing, i, words, sizeof words);
        format_size(showing, i, ends[i], size, sizeof size);
        widths.operation = wider(widths.operation, words);
        widths.size = wider(widths.size, size);
    }
    fprintf(out, "\n    #  on  %-*s  %*s  %*s  %-5s%s\n", widths.operation, "operation", OFFSET_COLUMNS(showing),
            showing->tape.is_foreign ? "address" : "offset", widths.size, "size", "errno",
            showing->tape.is_foreign ? "" : "   placement");
    for (uint32_t i = 0; i < showing->program.record_count; i++) {
        print_record(showing, i, ends[i], widths, out);
    }
    free(ends);
    return true;
}

/* --- lanes --- */

enum { LANE_COLUMNS = 24 };

/* What a step's lane says, and what stands to the right of all lanes. */
static void lane_words(const struct showing *showing, const struct tape_step *step, char *lane, size_t lane_bytes,
                       char *note, size_t note_bytes) {
    char operation[SHOW_OPERATION_BYTES], site[64] = "";
    show_operation(showing, step, operation, sizeof operation);
    if (step->site != NULL) {
        site_text(step->site, site, sizeof site);
    }
    snprintf(lane, lane_bytes, "%s%s", step->begins ? "" : "> ", operation);
    note[0] = '\0';
    switch ((enum tape_kind)step->kind) {
    case TAPE_SWITCH:
        snprintf(note, note_bytes, "stopped at %s (yield %" PRIu32 "), %s goes on", site, step->yield,
                 show_thread(step->other));
        break;
    case TAPE_STALE:
        snprintf(note, note_bytes, "%s sees what is %" PRIu32 " store%s old", site, step->count,
                 step->count == 1 ? "" : "s");
        break;
    case TAPE_FAILED:
        snprintf(note, note_bytes, "%s fails%s", site, step->count > 1 ? ", again and again" : "");
        if (step->other != TAPE_NOBODY) {
            size_t used = strlen(note);
            snprintf(note + used, note_bytes - used, "; %s was there at #%" PRIu32, show_thread(step->other),
                     step->other_step);
        }
        break;
    case TAPE_NOTHING:
        snprintf(note, note_bytes, "did nothing");
        break;
    case TAPE_FINDING:
        snprintf(note, note_bytes, "<-- %s", check_table[showing->execution.verdict.check].id);
        break;
    case TAPE_DONE:
    case TAPE_KIND_COUNT:
        break;
    }
    for (uint32_t i = 0; step->kind == TAPE_DONE && i < step->change_count; i++) {
        const struct tape_change *change = &showing->tape.changes[step->first_change + i];
        if (change->is_remote) {
            snprintf(note, note_bytes, showing->tape.is_foreign ? "a block that %s allocated" : "remote free, to %s",
                     show_thread(change->owner));
        }
    }
}

static void print_lane(const struct showing *showing, uint32_t index, const bool paused[PROGRAM_THREADS_MAX],
                       uint32_t threads, FILE *out) {
    const struct tape_step *step = &showing->tape.steps[index];
    char line[LINE_BYTES], lane[SHOW_OPERATION_BYTES + 4], note[160];
    lane_words(showing, step, lane, sizeof lane, note, sizeof note);
    const char *colour = step->kind == TAPE_FINDING   ? colour_bad(out)
                         : step->kind == TAPE_NOTHING ? colour_faint(out)
                         : step->site != NULL         ? colour_notice(out)
                                                      : "";
    size_t used = (size_t)snprintf(line, sizeof line, "%5" PRIu32 "  ", index);
    for (uint8_t i = 0; i < PROGRAM_THREADS_MAX; i++) {
        const char *words = i == step->thread ? lane : paused[i] ? "|" : "";
        if ((threads >> i & 1) != 0) {
            used += (size_t)snprintf(line + used, sizeof line - used, "%-*.*s", LANE_COLUMNS, LANE_COLUMNS - 1, words);
        }
    }
    snprintf(line + used, sizeof line - used, "%s", note);
    show_line(colour, line, out);
}

static void print_lanes(const struct showing *showing, FILE *out) {
    bool paused[PROGRAM_THREADS_MAX] = {false};
    uint32_t threads = 0;
    for (uint32_t i = 0; i < showing->tape.step_count; i++) {
        threads |= UINT32_C(1) << showing->tape.steps[i].thread;
    }
    fputs("\nschedule: a column a thread, '|' is stopped inside an operation, '>' goes on with it\n", out);
    char line[LINE_BYTES];
    size_t used = (size_t)snprintf(line, sizeof line, "    #  ");
    for (uint8_t i = 0; i < PROGRAM_THREADS_MAX; i++) {
        if ((threads >> i & 1) != 0) {
            used += (size_t)snprintf(line + used, sizeof line - used, "%-*s", LANE_COLUMNS, show_thread(i));
        }
    }
    show_line("", line, out);
    for (uint32_t i = 0; i < showing->tape.step_count; i++) {
        const struct tape_step *step = &showing->tape.steps[i];
        if (step->record < showing->program.record_count) {
            print_lane(showing, i, paused, threads, out);
        }
        paused[step->thread] = !step->ends;
    }
}

/* --- what went wrong --- */

static void print_story(const struct showing *showing, FILE *out) {
    uint32_t story[SHOW_STORY_MAX], count = show_story(showing, story);
    char words[SHOW_WORDS_BYTES];
    show_where(showing, words, sizeof words);
    fprintf(out, "%s\n", words);
    if (count > 0) {
        fputs("\nhow it came to that:\n", out);
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct tape_step *step = &showing->tape.steps[story[i]];
        show_step_words(showing, story[i], words, sizeof words);
        fprintf(out, "%s%5" PRIu32 "  %s%s\n", step->kind == TAPE_FINDING ? colour_bad(out) : "", story[i], words,
                step->kind == TAPE_FINDING ? colour_end(out) : "");
    }
}

static void print_clean(const struct showing *showing, FILE *out) {
    const struct execution *execution = &showing->execution;
    fprintf(out, "\n%sclean%s: %" PRIu32 " operations in %" PRIu32 " records", colour_good(out), colour_end(out),
            execution->verdict.operations, showing->program.record_count);
    if (!showing->tape.is_foreign) {
        fprintf(out, ", trace hash 0x%016" PRIx64 "\n", execution->verdict.trace_hash);
    } else {
        fprintf(out, ", %" PRIu64 " not carried out there\n", execution->not_carried);
    }
}

/* What the malloc or a sanitizer had to say. */
static void print_said(const struct execution *execution, FILE *out) {
    if (execution->said != NULL && *execution->said != '\0') {
        size_t length = strlen(execution->said);
        fprintf(out, "\nit says:\n%s%s", execution->said, execution->said[length - 1] == '\n' ? "" : "\n");
    }
}

void show_report(const struct showing *showing, FILE *out) {
    const struct verdict *verdict = &showing->execution.verdict;
    if (verdict->check == CHECK_NONE) {
        return;
    }
    if (show_finding_step(showing) != SHOW_NO_STEP) {
        show_map(showing, out);
    }
    print_said(&showing->execution, out);
    fprintf(out, "\n%s%s%s %s: %s\n", colour_bad(out), check_table[verdict->check].id, colour_end(out),
            verdict->record < showing->program.record_count ? "at the marked record"
                                                            : "in the checks after the last record",
            verdict->message);
    fprintf(out, "means: %s\nlook for: %s\n", check_table[verdict->check].meaning,
            check_table[verdict->check].look_for);
    print_story(showing, out);
    fprintf(out, "\nsignature %s\n", verdict->signature);
}

static void print_verdict(const struct showing *showing, FILE *out) {
    const struct verdict *verdict = &showing->execution.verdict;
    if (verdict->check == CHECK_NONE) {
        print_clean(showing, out);
        return;
    }
    show_report(showing, out);
    world_print_finding(showing->choice->target, verdict, out);
}

bool show_text(const struct showing *showing, FILE *out) {
    char *text = NULL;
    size_t text_bytes = 0;
    FILE *memory = open_memstream(&text, &text_bytes);
    if (memory == NULL) {
        return false;
    }
    bool done = text_disassemble(showing->input->bytes, showing->input->size_bytes, memory) == 0;
    done = fclose(memory) == 0 && done;
    if (done) {
        print_text_part(text, true, out);
        done = print_records(showing, out);
        print_text_part(text, false, out);
    }
    free(text);
    if (done && show_threads(showing) > 1) {
        print_lanes(showing, out);
    }
    if (done) {
        print_verdict(showing, out);
    }
    return done;
}
