// RUN: sluice-opt %s --verify-plan -o /dev/null --remarks-filter=verify-plan 2>&1 | FileCheck %s

// Accesses that are checked: the fetch writes the table, 1. In @decode the first copy
// reads and writes, 2; embed reads tokens and table and writes rows, 3; the last copy
// reads and writes, 2: 7 in all.
// CHECK: Category:verify-plan | accesses=1, entry=load
// CHECK: Category:verify-plan | accesses=7, entry=decode
%w = plan.arena "weights" device size 256
%ws = plan.arena "workspace" device size 1024
%io = plan.arena "io" host size 1024
%table = plan.buffer "table" in %w[0, 64] : f32
%tokens_host = plan.buffer "tokens_host" in %io[0, 4] : i32
%logits = plan.buffer "logits" in %io[256, 16] : f32
%tokens = plan.buffer "tokens" in %ws[0, 4] : i32
%hidden = plan.buffer "hidden" in %ws[256, 16] : f32
%sum = plan.buffer "sum" in %ws[512, 16] : f32
%file = plan.file "f" size 64 hash 0
%source = plan.source "table" from %file ranges [[0, 0, 0, 64]]
plan.entry @load rows 0 logit_rows 0 {
  plan.fetch %source into %table on demand
}
plan.entry @decode rows 1 logit_rows 1 {
  plan.input tokens %tokens_host
  plan.copy %tokens_host to %tokens rows 4 on demand
  %up = plan.record on demand
  plan.wait %up on compute
  plan.launch embed(%tokens, %table, %hidden) {vocab = 4, hidden = 4} rows portable on compute
  %made = plan.record on compute
  plan.wait %made on copy_back
  plan.output logits %logits
  plan.copy %hidden to %logits logit_rows 16 on copy_back
}
