/* verb_asm: text form to bytes. */
#include "tools/convert.h"
#include "tools/verb.h"

static const struct verb_help help = {
    "asm",
    "[-o OUT] IN",
    "Makes bytes of the text form (docs/input-format.md). 'hakfuzz disasm' is the way back, byte for byte.\n",
    "  hakfuzz asm program.txt -o program\n"
    "  printf 'hakmem 1\\nt0 malloc s0 96\\n' | hakfuzz asm - | hakfuzz show -\n",
};

static void write_bytes(const struct input *input, FILE *out) {
    fwrite(input->bytes, 1, input->size_bytes, out);
}

int verb_asm(int argc, char **argv) {
    static const struct conversion conversion = {&help, INPUT_TEXT, true, write_bytes};
    return convert(&conversion, argc, argv);
}
