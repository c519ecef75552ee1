/* complain: the line, and what follows. */
#include "allocator/complain.h"

#include "allocator/os.h"
#include "allocator/print.h"
#include "allocator/process.h"
#include "allocator/ring.h"
#include "allocator/root.h"

enum { SAID_AT_MOST = 16, LINE_BYTES = 384, STANDARD_ERROR = 2 };

static void compose(struct hak_print *print, const char *call, const void *address, const char *why) {
    hak_print_string(print, "hakmem: ");
    hak_print_string(print, call);
    if (!HAK_SIM) { /* reports of the simulated world show no address of the process */
        hak_print_string(print, " of ");
        hak_print_hex(print, (uintptr_t)address);
    }
    hak_print_string(print, ": ");
    hak_print_string(print, why);
}

void hak_complain(const char *call, const void *address, const char *why) {
    char text[LINE_BYTES];
    struct hak_print print;
    hak_process_start(); /* the first call of all may be a wrong one, and the options say what follows */
    hak_ring_note(HAK_EVENT_BAD_POINTER, (uintptr_t)address);
    uint32_t before = hak_fetch_add(&hak_root.complaints, 1, relaxed);
    hak_print_open_text(&print, text, sizeof text);
    compose(&print, call, address, why);
    if (HAK_TRIAL || hak_option(FAIL_FAST) != 0) {
        (void)hak_print_close(&print);
        os_fatal(HAK_FATAL_BAD_POINTER, text);
    }
    if (before < SAID_AT_MOST) {
        hak_print_string(&print, "; the call is ignored (HAKMEM_FAIL_FAST=1 ends the process here)\n");
        if (before + 1 == SAID_AT_MOST) {
            hak_print_string(&print, "hakmem: further messages of this kind are left out\n");
        }
        os_write(STANDARD_ERROR, text, hak_print_close(&print));
    }
}
