// RUN: sluice-opt %s --assign-streams | FileCheck %s
// RUN: sluice-opt %s --assign-streams --assign-streams | FileCheck %s
// RUN: sluice-opt %s --assign-streams --verify-plan -o /dev/null
// RUN: sluice-opt %s --assign-streams -o /dev/null \
// RUN:   --remarks-filter=assign-streams 2>&1 | FileCheck %s --check-prefix=COUNT

// Dependencies between streams in @decode (uploads, compute, downloads):
//   embed        reads tokens, which were uploaded           1
//   hidden down  reads what embed wrote                      1
//   sum down     reads what add wrote                        1
//   add          writes hidden, which is being downloaded    1
//   tokens up    writes tokens, which embed has read         1
//   embed        reads the new tokens                        1
//   embed        reads them again: known by now              1
// Two of them share the event behind the first embed.
// COUNT: entry=load, records=0
// COUNT: dependencies=7, entry=decode, records=5, waits=6

%w = plan.arena "weights" device size 256
%ws = plan.arena "workspace" device size 1024
%io = plan.arena "io" host size 1024
%table = plan.buffer "table" in %w[0, 64] : f32
%tokens_host = plan.buffer "tokens_host" in %io[0, 4] : i32
%hidden_host = plan.buffer "hidden_host" in %io[256, 16] : f32
%sum_host = plan.buffer "sum_host" in %io[512, 16] : f32
%tokens = plan.buffer "tokens" in %ws[0, 4] : i32
%hidden = plan.buffer "hidden" in %ws[256, 16] : f32
%sum = plan.buffer "sum" in %ws[512, 16] : f32
%file = plan.file "f" size 64 hash 0
%source = plan.source "table" from %file ranges [[0, 0, 0, 64]]

// CHECK-LABEL: plan.entry @load
plan.entry @load rows 0 logit_rows 0 {
  // CHECK-NEXT: plan.fetch %{{.*}} into %table on demand
  plan.fetch %source into %table on compute
}

// CHECK-LABEL: plan.entry @decode
plan.entry @decode rows 1 logit_rows 1 {
  // CHECK: plan.copy %tokens_host to %tokens rows 4 on demand
  // CHECK-NEXT: %[[UP:.*]] = plan.record on demand
  plan.input tokens %tokens_host
  plan.copy %tokens_host to %tokens rows 4 on compute
  // CHECK-NEXT: plan.wait %[[UP]] on compute
  // CHECK-NEXT: plan.launch embed(%tokens, %table, %hidden) {{.*}} on compute
  // CHECK-NEXT: %[[HIDDEN:.*]] = plan.record on compute
  plan.launch embed(%tokens, %table, %hidden) {vocab = 4, hidden = 4} rows portable on compute
  // CHECK-NEXT: plan.launch add(%hidden, %hidden, %sum) {{.*}} on compute
  // CHECK-NEXT: %[[SUM:.*]] = plan.record on compute
  plan.launch add(%hidden, %hidden, %sum) {hidden = 4} rows portable on compute
  // CHECK-NEXT: plan.wait %[[HIDDEN]] on copy_back
  // CHECK-NEXT: plan.copy %hidden to %hidden_host rows 16 on copy_back
  // CHECK-NEXT: %[[READ:.*]] = plan.record on copy_back
  plan.copy %hidden to %hidden_host rows 16 on compute
  // CHECK-NEXT: plan.wait %[[SUM]] on copy_back
  // CHECK-NEXT: plan.copy %sum to %sum_host rows 16 on copy_back
  plan.copy %sum to %sum_host rows 16 on compute
  // A write behind a read on another stream waits for the read.
  // CHECK-NEXT: plan.wait %[[READ]] on compute
  // CHECK-NEXT: plan.launch add(%table, %table, %hidden) {{.*}} on compute
  plan.launch add(%table, %table, %hidden) {hidden = 4} rows portable on compute
  // The event behind the first embed is there already.
  // CHECK-NEXT: plan.wait %[[HIDDEN]] on demand
  // CHECK-NEXT: plan.copy %tokens_host to %tokens rows 4 on demand
  // CHECK-NEXT: %[[AGAIN:.*]] = plan.record on demand
  plan.copy %tokens_host to %tokens rows 4 on compute
  // CHECK-NEXT: plan.wait %[[AGAIN]] on compute
  // CHECK-NEXT: plan.launch embed{{.*}} on compute
  // CHECK-NEXT: plan.launch embed{{.*}} on compute
  // CHECK-NEXT: }
  plan.launch embed(%tokens, %table, %hidden) {vocab = 4, hidden = 4} rows portable on compute
  plan.launch embed(%tokens, %table, %hidden) {vocab = 4, hidden = 4} rows portable on compute
}
