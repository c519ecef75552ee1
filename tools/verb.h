/* verb: what every verb of hakfuzz shares: its signature and the meaning of exit codes. The table of verbs is in
 * hakfuzz.c. Single-threaded, as the whole tool is. */
#ifndef HAKMEM_TOOLS_VERB_H
#define HAKMEM_TOOLS_VERB_H

/* A clean run that could not read some of its inputs still exits with EXIT_USAGE; a finding wins over both. */
enum exit_code { EXIT_CLEAN = 0, EXIT_FINDING = 1, EXIT_USAGE = 2 };

/* argv[0] is the verb's name, argv[1..] are its own arguments. Returns an exit_code. */
typedef int verb_function(int argc, char **argv);

struct verb_info {
    const char *name;
    const char *meaning; /* a few words */
    verb_function *function;
};
/* The table, in hakfuzz.c. */
extern const struct verb_info verb_table[];
extern const unsigned verb_count;

verb_function verb_run;
verb_function verb_real;
verb_function verb_repro;
verb_function verb_emit_c;
verb_function verb_diff;
verb_function verb_asm;
verb_function verb_disasm;
verb_function verb_show;
verb_function verb_bench;
verb_function verb_detect;
verb_function verb_faults;
verb_function verb_sites;
verb_function verb_orders;
verb_function verb_explore;
verb_function verb_record;
verb_function verb_replay;
verb_function verb_min;
verb_function verb_triage;
verb_function verb_manual;
verb_function verb_completion;

#endif
