/* detect_store: trials as lines of JSON. A line says all that decides its trial: fault, target, engine, guides that
 * were taken away, seed, limits, and a hash of the binary that ran; so one file may hold trials of several commands,
 * and one that was measured with another build is never taken for one of this.
 *
 * A line is written at once, so a tool that ends in any way leaves whole lines; a machine that does may leave a part of
 * one at the end, which is cut off. One process at a time has it, by a lock on the file. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/detect.h"
#include "tools/json.h"

struct detect_store {
    int file;
    const char *path;
};

/* --- which binary --- */

static uint64_t hash_file(const char *path) {
    static uint8_t bytes[1 << 16];
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    FILE *file = fopen(path, "rb");
    size_t got;
    while (file != NULL && (got = fread(bytes, 1, sizeof bytes, file)) > 0) {
        for (size_t i = 0; i < got; i++) {
            hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return hash;
}

/* Series of one binary share its hash. */
static bool hash_binaries(struct detect_list *list) {
    for (unsigned i = 0; i < list->count; i++) {
        struct detect_series *series = &list->series[i];
        for (unsigned k = 0; k < i && series->binary_hash == 0; k++) {
            const struct detect_series *other = &list->series[k];
            bool same_target = *series->plan.engine->binary == '\0' || other->plan.target == series->plan.target;
            if (strcmp(other->plan.engine->binary, series->plan.engine->binary) == 0 && same_target) {
                series->binary_hash = other->binary_hash;
            }
        }
        if (series->binary_hash == 0) {
            char *binary = detect_binary(&series->plan);
            if (binary == NULL) {
                return false;
            }
            series->binary_hash = hash_file(binary);
            free(binary);
        }
    }
    return true;
}

/* --- a line --- */

static cJSON *line_of(const struct detect_series *series, unsigned index) {
    const struct detect_plan *plan = &series->plan;
    const struct detect_trial *trial = &series->trials[index];
    cJSON *line = cJSON_CreateObject();
    json_text(line, "fault", plan->fault->name);
    json_text(line, "target", plan->target->name);
    json_text(line, "engine", plan->engine->name);
    json_text(line, "without", plan->without);
    json_number(line, "seed", index + 1);
    json_number(line, "max_runs", (double)plan->max_runs);
    json_number(line, "max_seconds", plan->engine->alone ? plan->max_seconds : 0);
    json_hash(line, "binary_hash", series->binary_hash);
    json_bool(line, "found", trial->found);
    json_text(line, "check", trial->check);
    json_number(line, "executions", (double)trial->executions);
    json_number(line, "first_reached", (double)trial->first_reached);
    json_number(line, "first_triggered", (double)trial->first_triggered);
    json_bool(line, "found_without_fault_too", trial->without_fault);
    json_number(line, "seconds", trial->seconds);
    json_number(line, "core_seconds", trial->core_seconds);
    return line;
}

static const char *text_of(const cJSON *line, const char *key) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(line, key));
    return text != NULL ? text : "";
}

static double number_of(const cJSON *line, const char *key) {
    const cJSON *item = cJSON_GetObjectItem(line, key);
    return cJSON_IsNumber(item) ? item->valuedouble : -1;
}

static bool is_trial(const cJSON *line) {
    return number_of(line, "seed") >= 1 && number_of(line, "executions") >= 0 && number_of(line, "max_runs") >= 1 &&
           cJSON_IsBool(cJSON_GetObjectItem(line, "found")) && *text_of(line, "binary_hash") != '\0';
}

/* But for the binary. */
static bool is_of(const cJSON *line, const struct detect_plan *plan) {
    return strcmp(text_of(line, "fault"), plan->fault->name) == 0 &&
           strcmp(text_of(line, "target"), plan->target->name) == 0 &&
           strcmp(text_of(line, "engine"), plan->engine->name) == 0 &&
           strcmp(text_of(line, "without"), plan->without) == 0;
}

/* Whether the line says how the trial ends with the limits of this plan. A limit only cuts off: what was found before
 * it is found with any other that is not lower, and what went on beyond it was not found until there. */
static bool serves(const cJSON *line, const struct detect_plan *plan) {
    uint64_t executions = (uint64_t)number_of(line, "executions");
    if (plan->engine->alone) {
        return (uint64_t)number_of(line, "max_runs") == plan->max_runs &&
               (unsigned)number_of(line, "max_seconds") == plan->max_seconds;
    }
    return cJSON_IsTrue(cJSON_GetObjectItem(line, "found")) || executions >= plan->max_runs;
}

static void take(const cJSON *line, const struct detect_plan *plan, struct detect_trial *trial) {
    uint64_t executions = (uint64_t)number_of(line, "executions");
    bool is_cut = executions > plan->max_runs;
    double share = is_cut ? (double)plan->max_runs / (double)executions : 1; /* of the time: it is spent evenly */
    *trial = (struct detect_trial){
        .done = true,
        .found = cJSON_IsTrue(cJSON_GetObjectItem(line, "found")) && !is_cut,
        .executions = is_cut ? plan->max_runs : executions,
        .first_reached = (uint64_t)number_of(line, "first_reached"),
        .first_triggered = (uint64_t)number_of(line, "first_triggered"),
        .seconds = number_of(line, "seconds") * share,
        .core_seconds = number_of(line, "core_seconds") * share,
    };
    trial->without_fault = trial->found && cJSON_IsTrue(cJSON_GetObjectItem(line, "found_without_fault_too"));
    trial->first_reached = trial->first_reached > plan->max_runs ? 0 : trial->first_reached;
    trial->first_triggered = trial->first_triggered > plan->max_runs ? 0 : trial->first_triggered;
    snprintf(trial->check, sizeof trial->check, "%s", trial->found ? text_of(line, "check") : "");
}

/* Returns whether it is a trial of these series with another binary. */
static bool take_line(const cJSON *line, struct detect_list *list) {
    double seed = number_of(line, "seed");
    uint64_t hash = strtoull(text_of(line, "binary_hash"), NULL, 16);
    bool is_other = false;
    for (unsigned i = 0; i < list->count && seed <= list->trials; i++) {
        struct detect_series *series = &list->series[i];
        if (!is_of(line, &series->plan)) {
            continue;
        }
        if (hash == series->binary_hash && serves(line, &series->plan)) {
            take(line, &series->plan, &series->trials[(unsigned)seed - 1]);
        }
        is_other = hash != series->binary_hash;
    }
    return is_other;
}

/* --- the file --- */

static char *read_all(int file, size_t *length) {
    struct stat status;
    char *text = fstat(file, &status) == 0 ? malloc((size_t)status.st_size + 1) : NULL;
    *length = 0;
    while (text != NULL && *length < (size_t)status.st_size) {
        ssize_t got = pread(file, text + *length, (size_t)status.st_size - *length, (off_t)*length);
        if (got <= 0) {
            break;
        }
        *length += (size_t)got;
    }
    if (text != NULL) {
        text[*length] = '\0';
    }
    return text;
}

/* False, with a message, for what is no store: it is not ours to append to. */
static bool load(const struct detect_store *store, struct detect_list *list) {
    size_t length, whole = 0;
    unsigned number = 0, others = 0;
    char *text = read_all(store->file, &length);
    bool good = text != NULL;
    for (char *end; good && (end = strchr(text + whole, '\n')) != NULL; whole = (size_t)(end - text) + 1) {
        *end = '\0';
        number++;
        cJSON *line = cJSON_Parse(text + whole);
        good = line != NULL && is_trial(line);
        others += good && take_line(line, list);
        cJSON_Delete(line);
    }
    free(text);
    if (text == NULL) {
        fprintf(stderr, "hakfuzz detect: '%s' cannot be read: %s\n", store->path, strerror(errno));
    } else if (!good || (number == 0 && length > 0)) {
        fprintf(stderr, "hakfuzz detect: '%s': line %u is no trial; give a file of its own to --store\n", store->path,
                number > 0 ? number : 1);
        good = false;
    } else if (whole < length && ftruncate(store->file, (off_t)whole) != 0) {
        fprintf(stderr, "hakfuzz detect: '%s' ends in a part of a line that cannot be cut off: %s\n", store->path,
                strerror(errno));
        good = false;
    }
    if (good && others > 0) {
        fprintf(stderr, "hakfuzz detect: %u trials in '%s' are of other builds, and not counted\n", others,
                store->path);
    }
    return good;
}

struct detect_store *detect_store_open(const char *path, struct detect_list *list) {
    struct detect_store *store = calloc(1, sizeof *store);
    if (store == NULL || !hash_binaries(list)) {
        free(store);
        return NULL;
    }
    store->path = path;
    store->file = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (store->file < 0) {
        fprintf(stderr, "hakfuzz detect: '%s' cannot be opened: %s; name a file that can be written\n", path,
                strerror(errno));
    } else if (flock(store->file, LOCK_EX | LOCK_NB) != 0) {
        fprintf(stderr, "hakfuzz detect: '%s' is in use by another detect; wait for it, or name another file\n", path);
    } else if (load(store, list)) {
        return store;
    }
    detect_store_close(store);
    return NULL;
}

bool detect_store_add(struct detect_store *store, const struct detect_series *series, unsigned trial) {
    cJSON *object = line_of(series, trial);
    char *text = cJSON_PrintUnformatted(object), *line = NULL;
    int length = text != NULL ? asprintf(&line, "%s\n", text) : -1;
    bool good = length > 0 && write(store->file, line, (size_t)length) == length;
    if (!good) {
        fprintf(stderr, "hakfuzz detect: '%s' cannot be written: %s\n", store->path, strerror(errno));
    }
    if (length > 0) {
        free(line);
    }
    cJSON_free(text);
    cJSON_Delete(object);
    return good;
}

void detect_store_close(struct detect_store *store) {
    if (store != NULL && store->file >= 0) {
        close(store->file);
    }
    free(store);
}
