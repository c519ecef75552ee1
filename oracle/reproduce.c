/* reproduce: see the header. */
#include "oracle/reproduce.h"

#include <stdio.h>
#include <string.h>

#include "oracle/target.h"
#include "oracle/world.h"

int hakmem_reproduce(const char *target_name, const char *fault, const unsigned char *bytes, size_t size_bytes,
                     const char *expected_signature) {
    char why[256];
    struct program program;
    struct verdict verdict;
    const struct target_info *target = target_find(target_name);
    const char *missing = target == NULL ? "there is no such target" : NULL;
    if (missing == NULL && world_open(why, sizeof why) != 0) {
        missing = why;
    }
    if (missing == NULL && !world_arm_fault(fault)) {
        missing = "there is no such fault";
    }
    if (missing != NULL) {
        fprintf(stderr, "cannot reproduce: %s\n", missing);
        return 2;
    }
    program_read(&program, bytes, size_bytes);
    if (world_run(target, &program, stdout, &verdict) == CHECK_NONE) {
        puts("clean: the finding does not come");
        return 0;
    }
    world_print_finding(target, &verdict, stdout);
    if (strcmp(verdict.signature, expected_signature) != 0) {
        fprintf(stderr, "another finding: expected %s\n", expected_signature);
        return 2;
    }
    return 1;
}
