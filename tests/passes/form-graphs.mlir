// RUN: sluice-opt %s --assign-streams --form-graphs | FileCheck %s
// RUN: sluice-opt %s --assign-streams --form-graphs --verify-plan -o /dev/null
// RUN: sluice-opt %s --assign-streams --form-graphs -o /dev/null \
// RUN:   --remarks-filter=form-graphs 2>&1 | FileCheck %s --check-prefix=COUNT

// The compute stream waits for the upload; behind that come embed and three adds,
// while one of their results goes back to the host. The copy back and its events
// move behind the last add: one graph of four nodes.
// COUNT: entry=load, graphs=0, nodes=0
// COUNT: entry=decode, graphs=1, nodes=4
// In @prefill the second upload was enqueued before the first launch: its wait
// moves in front of the run, and one graph holds both. The third is enqueued in
// the middle, after a launch that it waits for: its wait ends the run.
// COUNT: entry=prefill, graphs=2, nodes=4

%w = plan.arena "weights" device size 256
%ws = plan.arena "workspace" device size 1024
%io = plan.arena "io" host size 1024
%table = plan.buffer "table" in %w[0, 64] : f32
%tokens_host = plan.buffer "tokens_host" in %io[0, 4] : i32
%hidden_host = plan.buffer "hidden_host" in %io[256, 16] : f32
%tokens = plan.buffer "tokens" in %ws[0, 4] : i32
%hidden = plan.buffer "hidden" in %ws[256, 16] : f32
%sum = plan.buffer "sum" in %ws[512, 16] : f32
%file = plan.file "f" size 64 hash 0
%source = plan.source "table" from %file ranges [[0, 0, 0, 64]]

plan.entry @load rows 0 logit_rows 0 {
  plan.fetch %source into %table on compute
}

// CHECK-LABEL: plan.entry @decode
// CHECK: plan.wait %{{.*}} on compute
// CHECK-NEXT: plan.graph_begin 0
// CHECK-NEXT: plan.launch embed
// CHECK-NEXT: plan.launch add
// CHECK-NEXT: plan.launch add
// CHECK-NEXT: plan.launch add
// CHECK-NEXT: plan.graph_end 0
// CHECK-NEXT: %[[EVENT:.*]] = plan.record on compute
// CHECK-NEXT: plan.wait %[[EVENT]] on copy_back
// CHECK-NEXT: plan.copy %hidden to %hidden_host rows 16 on copy_back
// CHECK-NEXT: }
plan.entry @decode rows 1 logit_rows 1 {
  plan.input tokens %tokens_host
  plan.copy %tokens_host to %tokens rows 4 on compute
  plan.launch embed(%tokens, %table, %hidden) {vocab = 4, hidden = 4} rows portable on compute
  plan.copy %hidden to %hidden_host rows 16 on compute
  plan.launch add(%hidden, %hidden, %sum) {hidden = 4} rows portable on compute
  plan.launch add(%hidden, %hidden, %sum) {hidden = 4} rows portable on compute
  plan.launch add(%hidden, %hidden, %sum) {hidden = 4} rows portable on compute
}

// CHECK-LABEL: plan.entry @prefill
// CHECK: plan.copy %more_host to %more
// CHECK-NEXT: %[[MORE:.*]] = plan.record on demand
// CHECK: plan.wait %{{.*}} on compute
// CHECK-NEXT: plan.wait %[[MORE]] on compute
// CHECK-NEXT: plan.graph_begin 0
// CHECK-NEXT: plan.launch embed(%tokens,
// CHECK-NEXT: plan.launch embed(%more,
// CHECK-NEXT: plan.graph_end 0
// CHECK: plan.copy %tokens_host to %tokens
// CHECK: plan.wait %{{.*}} on compute
// CHECK-NEXT: plan.graph_begin 1
// CHECK-NEXT: plan.launch embed(%tokens,
// CHECK-NEXT: plan.launch add
// CHECK-NEXT: plan.graph_end 1
// CHECK-NEXT: }
%more_host = plan.buffer "more_host" in %io[512, 4] : i32
%more = plan.buffer "more" in %ws[768, 4] : i32
plan.entry @prefill rows 1 logit_rows 1 {
  plan.input tokens %tokens_host
  plan.input positions %more_host
  plan.copy %tokens_host to %tokens rows 4 on compute
  plan.copy %more_host to %more rows 4 on compute
  plan.launch embed(%tokens, %table, %hidden) {vocab = 4, hidden = 4} rows portable on compute
  plan.launch embed(%more, %table, %sum) {vocab = 4, hidden = 4} rows portable on compute
  plan.copy %tokens_host to %tokens rows 4 on compute
  plan.launch embed(%tokens, %table, %hidden) {vocab = 4, hidden = 4} rows portable on compute
  plan.launch add(%hidden, %hidden, %sum) {hidden = 4} rows portable on compute
}
