/* detect_page: placeholder */
#include "tools/detect.h"
bool detect_page(const struct detect_result *result, FILE *out) {
    (void)result;
    (void)out;
    return false;
}
