/* verb_disasm: bytes to text form. */
#include "oracle/text.h"
#include "tools/convert.h"
#include "tools/verb.h"

static const struct verb_help help = {
    "disasm",
    "[-o OUT] IN",
    "Makes text of bytes, any bytes. 'hakfuzz asm' makes the same bytes of it again.\n",
    "  hakfuzz disasm crash-0123abcd\n"
    "  hakfuzz disasm crash-0123abcd -o corpus/threads/regress/double-alloc.hak\n",
};

static void write_text(const struct input *input, FILE *out) {
    text_disassemble(input->bytes, input->size_bytes, out);
}

int verb_disasm(int argc, char **argv) {
    static const struct conversion conversion = {&help, INPUT_BYTES, false, write_text};
    return convert(&conversion, argc, argv);
}
