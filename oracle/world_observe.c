/* world_observe: what a run tells the one who watches it. Where nobody does, a record costs two branches that are
 * always taken the same way, and inside an operation only switches and read-modify-writes ask. */
#include <errno.h>

#include "oracle/run.h"
#include "oracle/sim.h"

static void *observer_context;

void world_observe(world_observer *new_observer, void *context) {
    run.observer = new_observer;
    observer_context = context;
}

static struct world_event event_now(enum world_event_kind kind) {
    return (struct world_event){
        .kind = kind, .index = run.now->index, .record = run.now->record, .thread = run.thread, .to = run.thread};
}

/* Whoever watches looks at the allocator, and must not be seen. */
static void tell(const struct world_event *event) {
    uint32_t level = hak_shim.level;
    int error = errno;
    hak_shim.level = LEVEL_NONE;
    run.observer(observer_context, event);
    hak_shim.level = level;
    errno = error;
}

/* What the operation is about. */
static void tell_subject(struct world_event *event) {
    char placement[96] = "";
    if (run.now->subject != 0) {
        run_describe_place((const void *)run.now->subject, placement, sizeof placement);
    }
    event->offset = sim_offset((const void *)run.now->subject);
    event->size_bytes = run.now->subject_bytes;
    event->placement = placement;
    tell(event);
}

void run_observe_end(void) {
    struct world_event event = event_now(WORLD_ENDS);
    event.applied = run.now->applied && run.now->index < run.program->record_count;
    event.error = errno == ENOMEM || errno == EINVAL ? errno : 0;
    tell_subject(&event);
}

void run_observe_switch(const struct thread_switch *noted) {
    char text[256];
    struct world_event event = event_now(noted->age != 0 ? WORLD_SEES_OLD : WORLD_SWITCHES);
    run_describe_switch(noted, text, sizeof text);
    event.thread = noted->from;
    event.to = noted->to;
    event.site = noted->site;
    event.yield = noted->yield;
    event.age = noted->age;
    event.text = text;
    tell(&event);
}

void run_observe_access(enum world_event_kind kind, const volatile void *address, const struct hak_site *site) {
    struct world_event event = event_now(kind);
    event.site = site;
    event.yield = scheduler_hot->yields;
    event.address = address;
    tell(&event);
}

void run_observe_finding(void) {
    struct world_event event = event_now(WORLD_FINDS);
    tell_subject(&event);
}
