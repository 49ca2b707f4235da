// RUN: sluice-opt %s --plan-memory | FileCheck %s
// RUN: sluice-opt %s --plan-memory --verify-plan -o /dev/null
// RUN: sluice-opt %s --plan-memory -o /dev/null \
// RUN:   --remarks-filter=plan-memory 2>&1 | FileCheck %s --check-prefix=COUNT

// @decode is a chain: each step reads one buffer and writes the next.
//
//   step           a     b     c     d     e
//   copy -> a      #
//   embed a -> b   #     #
//   b -> c               #     #                  (b also goes back to the host)
//   c -> d                     #     #
//   d -> e                           #     #
//
// The copy of b runs on copy_back, and no event ever tells compute that it has
// finished: b lives to the end. Largest first: c (1024) at 0. b (512) lives with
// c: at 1024. a (256) lives with b, not with c: at 0. d (256) lives with c and b:
// behind them at 1536. e (256) lives with d and b, not with c: at 0.
// Together 1536 + 256 = 1792 bytes. @prefill's x (768) starts at 0 again.
// Before: 256 + 512 + 1024 + 256 + 256 + 768 = 3072.
// COUNT: bytes_after=1792, bytes_before=3072

// CHECK: %workspace = plan.arena "workspace" device size 1792
// CHECK-NEXT: plan.memory "workspace" device size 1792
%workspace = plan.arena "workspace" device size 3072
%io = plan.arena "io" host size 512
%weights = plan.arena "weights" device size 64
%table = plan.buffer "table" in %weights[0, 64] : f32
%file = plan.file "f" size 64 hash 0
%source = plan.source "table" from %file ranges [[0, 0, 0, 64]]
%in = plan.buffer "in" in %io[0, 4] : i32
%out = plan.buffer "out" in %io[256, 16] : f32
// CHECK-DAG: plan.buffer "a" in %workspace[0, 4]
%a = plan.buffer "a" in %workspace[0, 4] : i32
// CHECK-DAG: plan.buffer "b" in %workspace[1024, 512]
%b = plan.buffer "b" in %workspace[256, 512] : f32
// CHECK-DAG: plan.buffer "c" in %workspace[0, 1000]
%c = plan.buffer "c" in %workspace[768, 1000] : f32
// CHECK-DAG: plan.buffer "d" in %workspace[1536, 256]
%d = plan.buffer "d" in %workspace[1792, 256] : f32
// CHECK-DAG: plan.buffer "e" in %workspace[0, 16]
%e = plan.buffer "e" in %workspace[2048, 16] : f32
// CHECK-DAG: plan.buffer "x" in %workspace[0, 768]
%x = plan.buffer "x" in %workspace[2304, 768] : i32

plan.entry @load rows 0 logit_rows 0 {
  plan.fetch %source into %table on demand
}
plan.entry @decode rows 1 logit_rows 1 {
  plan.input tokens %in
  plan.copy %in to %a rows 4 on demand
  %up = plan.record on demand
  plan.wait %up on compute
  plan.launch embed(%a, %table, %b) {vocab = 4, hidden = 4} rows portable on compute
  %made = plan.record on compute
  plan.wait %made on copy_back
  plan.copy %b to %out rows 16 on copy_back
  plan.launch add(%b, %b, %c) {hidden = 4} rows portable on compute
  plan.launch add(%c, %c, %d) {hidden = 4} rows portable on compute
  plan.launch add(%d, %d, %e) {hidden = 4} rows portable on compute
}
plan.entry @prefill rows 1 logit_rows 1 {
  plan.input tokens %in
  plan.copy %in to %x rows 4 on demand
}
