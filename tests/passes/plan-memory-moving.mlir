// RUN: sluice-opt %s --assign-streams --plan-memory | FileCheck %s
// RUN: sluice-opt %s --assign-streams --plan-memory --verify-plan -o /dev/null

// Experts that move: what the run alone needs makes room for what the join needs.
// Every buffer takes 256 bytes.
//
//   step      tokens  in  inner  tables  outputs  staged  index
//   embed       #     #
//   run         #     #     #      #        #
//   join        #     #                     #       #       #
//   embed       #     #                     #
//   logits                                  #
//
// Five live at once: 5 * 256 = 1280 bytes. Slots, images and what the host reads
// and writes are in arenas of their own.

%w = plan.arena "weights" device size 256
%e = plan.arena "experts" device size 1536
// CHECK: %workspace = plan.arena "workspace" device size 1280
%ws = plan.arena "workspace" device size 4096
%io = plan.arena "io" host size 4096
%f = plan.file "f" size 65536 hash 0
%table = plan.buffer "table" in %w[0, 256] : f32
%pool_slots = plan.buffer "pool" in %e[0, 1536] : f32
%images = plan.buffer "images" in %io[0, 1536] : f32
%weights = plan.source "table" from %f ranges [[0, 0, 0, 256]]
%source = plan.source "a" from %f ranges [[0, 256, 0, 192], [0, 448, 768, 192]]
%tokens_host = plan.buffer "tokens_host" in %io[1536, 4] : i32
%ids = plan.buffer "ids" in %io[1792, 4] : i32
%rows = plan.buffer "rows" in %io[2048, 32] : f32
%results = plan.buffer "results" in %io[2304, 32] : f32
%tables_host = plan.buffer "tables_host" in %io[2560, 24] : i32
%shares_host = plan.buffer "shares_host" in %io[2816, 4] : i32
%logits = plan.buffer "logits" in %io[3072, 32] : f32
// CHECK-DAG: plan.buffer "tokens" in %workspace[0,
%tokens = plan.buffer "tokens" in %ws[0, 4] : i32
// CHECK-DAG: plan.buffer "in" in %workspace[256,
%in = plan.buffer "in" in %ws[256, 32] : f32
// CHECK-DAG: plan.buffer "inner" in %workspace[768,
%inner = plan.buffer "inner" in %ws[512, 32] : f32
// CHECK-DAG: plan.buffer "outputs" in %workspace[1024,
%outputs = plan.buffer "outputs" in %ws[768, 32] : f32
// CHECK-DAG: plan.buffer "tables" in %workspace[512,
%tables = plan.buffer "tables" in %ws[1024, 24] : i32
// CHECK-DAG: plan.buffer "staged" in %workspace[512,
%staged = plan.buffer "staged" in %ws[1280, 32] : f32
// CHECK-DAG: plan.buffer "shares" in %workspace[768,
%shares = plan.buffer "shares" in %ws[1536, 4] : i32
%pool = plan.expert_pool "pool" in %pool_slots slots 2 of 768 wave 768 host %images
%a = plan.expert_bank "a" layer 0 in %pool from %source experts 2 top_k 1 hidden 8 inner 4
    parts [0, 64, 128] homes [0, 0] resident []
plan.entry @load rows 0 logit_rows 0 {
  plan.fetch %weights into %table on demand
}
plan.entry @decode rows 1 logit_rows 1 {
  plan.input tokens %tokens_host
  plan.copy %tokens_host to %tokens rows 4 on compute
  plan.launch embed(%tokens, %table, %in) {vocab = 8, hidden = 8} rows portable on compute
  plan.copy %tokens to %ids rows 4 on copy_back
  plan.copy %in to %rows rows 32 on compute
  %event = plan.record on compute
  plan.demand %a part 0 of 1 ids %ids after %event
  plan.split %a part 0 share 0.5
  plan.fetch_experts %a part 0
  plan.run_host %a part 0 (%rows, %results)
  plan.run_experts %a part 0 of 1 (%in, %inner, %outputs, %tables, %tables_host) portable
  plan.join %a part 0 (%results, %staged, %shares, %shares_host)
  plan.release %a part 0
  plan.copy %tokens_host to %tokens rows 4 on compute
  plan.launch embed(%tokens, %table, %in) {vocab = 8, hidden = 8} rows portable on compute
  plan.output logits %logits
  plan.copy %outputs to %logits logit_rows 32 on compute
}

