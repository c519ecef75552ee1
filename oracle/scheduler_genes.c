/* scheduler_genes: which genes act at all, and what those say that name who goes on. */
#include "oracle/explore.h"
#include "oracle/lane.h"
#include "oracle/run.h"
#include "oracle/transcript.h"

const struct gene *scheduler_gene_go_at(const struct lane *lane, uint32_t *number) {
    for (uint32_t left = scheduler.goes; left != 0; left &= left - 1) {
        *number = (uint32_t)__builtin_ctz(left);
        const struct gene *gene = &scheduler.genes[*number];
        uint32_t yield = lane_is_running(lane) ? lane->hot.yields : 0;
        if (lane_rank(lane) != RANK_NONE && gene->record == run.order[lane_rank(lane)] && gene->yield == yield) {
            return gene;
        }
    }
    return NULL;
}

uint8_t scheduler_genes_go(uint8_t next) {
    const struct lane *lane = &scheduler.lanes[next];
    if (HAK_UNLIKELY(scheduler.plays)) {
        return transcript_go(run.order[lane_rank(lane)], lane_is_running(lane) ? lane->hot.yields : 0);
    }
    uint32_t number;
    const struct gene *gene = scheduler_gene_go_at(lane, &number);
    if (gene == NULL) {
        return SCHEDULER_NOBODY;
    }
    scheduler.goes &= ~(UINT32_C(1) << number);
    return (uint8_t)(gene->value % PROGRAM_THREADS_MAX);
}

bool scheduler_gene_acts(const struct gene *gene, enum program_mode mode) {
    bool is_inside = gene->yield != 0 && gene->value != 0;
    return (is_inside && gene->kind != GENE_LOWER) || (gene->kind == GENE_LOWER && mode == MODE_PCT) ||
           gene->kind == GENE_GO;
}

uint32_t scheduler_level(const struct program *program, uint8_t threads) {
    if (threads < 2 || program->record_count == 0) {
        return 0;
    }
    bool inside = program->header.mode != MODE_GENES || explore_is_on(), weak = program->header.weak;
    for (uint32_t i = 0; !weak && i < program->gene_count; i++) {
        struct gene gene = program_gene(program, i);
        bool acts = scheduler_gene_acts(&gene, MODE_GENES);
        inside = inside || acts;
        weak = acts && gene.kind == GENE_STALE;
    }
    return weak ? LEVEL_WEAK : inside ? LEVEL_SWITCHES : LEVEL_NONE;
}
