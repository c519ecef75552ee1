/* triage_write: findings as JSON, as SARIF 2.1.0 and as a page. Rule ids are the ids of checks, in the order of their
 * table; fingerprints are signatures, so both stay from run to run and from machine to machine. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/json.h"
#include "tools/triage.h"

static const char *input_of(const struct triage_group *group) {
    return group->inputs.paths[group->shortest];
}

static void add_malloc(cJSON *object, const struct choice *choice) {
    if (choice->malloc != NULL) {
        json_text(object, "malloc", choice->malloc->name);
    }
}

/* --- JSON --- */

static void add_counts(cJSON *object, const char *key, const struct reduce_counts *counts) {
    cJSON *item = cJSON_AddObjectToObject(object, key);
    json_number(item, "records", counts->records);
    json_number(item, "threads", counts->threads);
    json_number(item, "genes", counts->genes);
}

static cJSON *group_json(const struct triage_group *group) {
    cJSON *object = cJSON_CreateObject();
    json_text(object, "target", group->choice.target->name);
    json_text(object, "fault", group->choice.fault);
    add_malloc(object, &group->choice);
    json_verdict(object, &group->verdict);
    json_text(object, "shortest", input_of(group));
    add_counts(object, "before", &group->before);
    if (group->bytes != NULL) {
        json_text(object, "name", group->name);
        add_counts(object, "after", &group->after);
        json_bool(object, "minimal", group->is_minimal);
        json_number(object, "times", (double)group->replays);
        json_number(object, "equal", (double)group->replays_equal);
    }
    cJSON *files = cJSON_AddArrayToObject(object, "files");
    for (size_t i = 0; i < group->inputs.count; i++) {
        cJSON *holder = cJSON_CreateObject(); /* for the cleaning of names */
        json_text(holder, "file", group->inputs.paths[i]);
        cJSON_AddItemToArray(files, cJSON_DetachItemFromObject(holder, "file"));
        cJSON_Delete(holder);
    }
    return object;
}

cJSON *triage_json(const struct triage *triage) {
    cJSON *object = json_begin("triage");
    json_bool(object, "complete", triage->is_complete);
    json_number(object, "inputs", (double)triage->inputs);
    json_number(object, "clean", (double)triage->clean);
    json_number(object, "unusable", (double)triage->unreadable);
    json_number(object, "no_inputs_by_name", (double)triage->others);
    cJSON *groups = cJSON_AddArrayToObject(object, "findings");
    for (size_t i = 0; i < triage->group_count; i++) {
        cJSON_AddItemToArray(groups, group_json(&triage->groups[i]));
    }
    return object;
}

/* --- SARIF --- */

static void add_message(cJSON *object, const char *key, const char *text) {
    json_text(cJSON_AddObjectToObject(object, key), "text", text);
}

/* A path as a URI reference: what has a meaning there, or none at all, as %XX. */
static void add_uri(cJSON *object, const char *path) {
    char *uri = malloc(3 * strlen(path) + 8), *at = uri;
    if (uri == NULL) {
        return;
    }
    at += sprintf(at, "%s", *path == '/' ? "file://" : "");
    for (; *path != '\0'; path++) {
        bool plain = isalnum((unsigned char)*path) || strchr("/-._~", *path) != NULL;
        at += plain ? sprintf(at, "%c", *path) : sprintf(at, "%%%02X", (unsigned char)*path);
    }
    cJSON_AddStringToObject(object, "uri", uri);
    free(uri);
}

static cJSON *location(const char *path) {
    cJSON *object = cJSON_CreateObject();
    cJSON *physical = cJSON_AddObjectToObject(object, "physicalLocation");
    add_uri(cJSON_AddObjectToObject(physical, "artifactLocation"), path);
    return object;
}

static void add_rules(cJSON *driver) {
    cJSON *rules = cJSON_AddArrayToObject(driver, "rules");
    for (unsigned i = CHECK_NONE + 1; i < CHECK_COUNT; i++) {
        char look_for[256];
        cJSON *rule = cJSON_CreateObject();
        json_text(rule, "id", check_table[i].id);
        add_message(rule, "shortDescription", check_table[i].meaning);
        snprintf(look_for, sizeof look_for, "Look for: %s.", check_table[i].look_for);
        add_message(rule, "help", look_for);
        cJSON_AddItemToArray(rules, rule);
    }
}

static cJSON *group_result(const struct triage_group *group) {
    cJSON *result = cJSON_CreateObject();
    json_text(result, "ruleId", check_table[group->verdict.check].id);
    json_number(result, "ruleIndex", group->verdict.check - CHECK_NONE - 1);
    json_text(result, "level", "error");
    add_message(result, "message", *group->verdict.message != '\0' ? group->verdict.message : group->verdict.signature);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(result, "locations"), location(input_of(group)));
    json_text(cJSON_AddObjectToObject(result, "partialFingerprints"), "hakmemSignature/v1", group->verdict.signature);
    json_number(result, "occurrenceCount", (double)group->inputs.count);
    cJSON *properties = cJSON_AddObjectToObject(result, "properties");
    json_text(properties, "target", group->choice.target->name);
    json_text(properties, "fault", group->choice.fault);
    add_malloc(properties, &group->choice);
    return result;
}

cJSON *triage_sarif(const struct triage *triage) {
    cJSON *log = cJSON_CreateObject();
    json_text(log, "$schema", "https://json.schemastore.org/sarif-2.1.0.json");
    json_text(log, "version", "2.1.0");
    cJSON *run = cJSON_CreateObject();
    cJSON_AddItemToArray(cJSON_AddArrayToObject(log, "runs"), run);
    cJSON *driver = cJSON_AddObjectToObject(cJSON_AddObjectToObject(run, "tool"), "driver");
    json_text(driver, "name", "hakfuzz");
    json_text(driver, "version", HAKMEM_VERSION);
    add_rules(driver);
    cJSON *invocation = cJSON_CreateObject();
    json_bool(invocation, "executionSuccessful", triage->is_complete && triage->unreadable == 0);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(run, "invocations"), invocation);
    cJSON *results = cJSON_AddArrayToObject(run, "results");
    for (size_t i = 0; i < triage->group_count; i++) {
        cJSON_AddItemToArray(results, group_result(&triage->groups[i]));
    }
    return log;
}

/* --- HTML --- */

static void print_escaped(const char *text, FILE *out) {
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        default:
            fputc((unsigned char)*text < ' ' ? '?' : *text, out);
        }
    }
}

static const char page_head[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>hakfuzz triage</title>\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n"
    "<style>\nbody { font: 15px/1.4 sans-serif; margin: 2em auto; max-width: 75em; padding: 0 1em; }\n"
    "table { border-collapse: collapse; width: 100%; }\n"
    "th, td { border-bottom: 1px solid #8885; padding: .4em .6em; text-align: left; vertical-align: top; }\n"
    "td.n { text-align: right; }\ncode { overflow-wrap: anywhere; }\n"
    "@media (prefers-color-scheme: dark) { body { background: #111; color: #ddd; } a { color: #8bf; } }\n</style>\n";

static void print_row(const struct triage_group *group, FILE *out) {
    char words[64];
    fprintf(out, "<tr><td class=\"n\">%zu<td>%s<td><code>", group->inputs.count, group->choice.target->name);
    if (group->page_ending != NULL) { /* names are letters, digits and '-' */
        fprintf(out, "<a href=\"%s%s\">", group->name, group->page_ending);
    }
    print_escaped(group->verdict.signature, out);
    fputs(group->page_ending != NULL ? "</a></code><br>" : "</code><br>", out);
    print_escaped(group->verdict.message, out);
    fputs("<td>", out);
    if (group->bytes != NULL) {
        minimize_words(&group->after, words, sizeof words);
        fprintf(out, "<a href=\"%s.hak\">%s</a>", group->name, words);
    }
    fputs("<td><code>", out);
    print_escaped(input_of(group), out);
    fputs("</code>\n", out);
}

bool triage_write_html(const struct triage *triage, const char *directory) {
    char *path = NULL;
    FILE *out = asprintf(&path, "%s/index.html", directory) > 0 ? fopen(path, "w") : NULL;
    if (out != NULL) {
        fputs(page_head, out);
        fprintf(out,
                "<h1>%zu finding%s</h1>\n<p>%" PRIu64 " inputs were run, %" PRIu64 " of them do not fail here.</p>\n",
                triage->group_count, triage->group_count == 1 ? "" : "s", triage->inputs, triage->clean);
        if (triage->malloc != NULL) {
            fputs("<p>On the malloc <code>", out);
            print_escaped(triage->malloc->name, out);
            fputs("</code>, one operation after another.</p>\n", out);
        }
        if (!triage->is_complete) {
            fputs("<p><strong>Not complete: the run was stopped before its end, or it still goes on.</strong></p>\n",
                  out);
        }
        fputs("<table>\n<tr><th>inputs<th>target<th>signature and message<th>reduced to<th>shortest input\n", out);
        for (size_t i = 0; i < triage->group_count; i++) {
            print_row(&triage->groups[i], out);
        }
        fputs("</table>\n<p>Machines read findings.json and findings.sarif beside this page.</p>\n", out);
    }
    bool good = out != NULL && !ferror(out);
    good = (out == NULL || fclose(out) == 0) && good;
    if (!good) {
        fprintf(stderr, "hakfuzz triage: '%s' cannot be written: %s; give another directory with -o\n",
                path != NULL ? path : directory, strerror(errno));
    }
    free(path);
    return good;
}
