// RUN: sluice-opt %s --split-input-file --verify-diagnostics

%file = plan.file "f" size 4096 hash 0
%w = plan.arena "weights" device size 4096
%io = plan.arena "io" host size 4096
%tokens_host = plan.buffer "tokens_host" in %io[0, 8] : i32
%logits_host = plan.buffer "logits_host" in %io[256, 80] : f32
%tokens = plan.buffer "tokens" in %w[0, 8] : i32
%table = plan.buffer "table" in %w[256, 160] : bf16
%hidden = plan.buffer "hidden" in %w[512, 32] : bf16
%floats = plan.buffer "floats" in %w[768, 64] : f32
%source = plan.source "t" from %file ranges [[0, 0, 0, 160]]
plan.entry @decode rows 2 logit_rows 1 {
  // expected-error @below {{'nothing' is no kernel}}
  plan.launch nothing(%tokens, %table, %hidden) {vocab = 10, hidden = 8} rows portable on compute
}

// -----

%file = plan.file "f" size 4096 hash 0
%w = plan.arena "weights" device size 4096
%io = plan.arena "io" host size 4096
%tokens_host = plan.buffer "tokens_host" in %io[0, 8] : i32
%logits_host = plan.buffer "logits_host" in %io[256, 80] : f32
%tokens = plan.buffer "tokens" in %w[0, 8] : i32
%table = plan.buffer "table" in %w[256, 160] : bf16
%hidden = plan.buffer "hidden" in %w[512, 32] : bf16
%floats = plan.buffer "floats" in %w[768, 64] : f32
%source = plan.source "t" from %file ranges [[0, 0, 0, 160]]
plan.entry @decode rows 2 logit_rows 1 {
  // expected-error @below {{expected '}'}}
  plan.launch embed(%tokens, %table, %hidden) {vocab = 10, hidden = 8, more = 1} rows portable on compute
}

// -----

%file = plan.file "f" size 4096 hash 0
%w = plan.arena "weights" device size 4096
%io = plan.arena "io" host size 4096
%tokens_host = plan.buffer "tokens_host" in %io[0, 8] : i32
%logits_host = plan.buffer "logits_host" in %io[256, 80] : f32
%tokens = plan.buffer "tokens" in %w[0, 8] : i32
%table = plan.buffer "table" in %w[256, 160] : bf16
%hidden = plan.buffer "hidden" in %w[512, 32] : bf16
%floats = plan.buffer "floats" in %w[768, 64] : f32
%source = plan.source "t" from %file ranges [[0, 0, 0, 160]]
plan.entry @decode rows 2 logit_rows 1 {
  // expected-error @below {{embed has wrong dims, expected every dim between 1 and 2^31}}
  plan.launch embed(%tokens, %table, %hidden) {vocab = 0, hidden = 8} rows portable on compute
}

// -----

%file = plan.file "f" size 4096 hash 0
%w = plan.arena "weights" device size 4096
%io = plan.arena "io" host size 4096
%tokens_host = plan.buffer "tokens_host" in %io[0, 8] : i32
%logits_host = plan.buffer "logits_host" in %io[256, 80] : f32
%tokens = plan.buffer "tokens" in %w[0, 8] : i32
%table = plan.buffer "table" in %w[256, 160] : bf16
%hidden = plan.buffer "hidden" in %w[512, 32] : bf16
%floats = plan.buffer "floats" in %w[768, 64] : f32
%source = plan.source "t" from %file ranges [[0, 0, 0, 160]]
plan.entry @decode rows 2 logit_rows 1 {
  // expected-error @below {{embed lacks its operand 'table'}}
  plan.launch embed(%tokens, none, %hidden) {vocab = 10, hidden = 8} rows portable on compute
}

// -----

%file = plan.file "f" size 4096 hash 0
%w = plan.arena "weights" device size 4096
%io = plan.arena "io" host size 4096
%tokens_host = plan.buffer "tokens_host" in %io[0, 8] : i32
%logits_host = plan.buffer "logits_host" in %io[256, 80] : f32
%tokens = plan.buffer "tokens" in %w[0, 8] : i32
%table = plan.buffer "table" in %w[256, 160] : bf16
%hidden = plan.buffer "hidden" in %w[512, 32] : bf16
%floats = plan.buffer "floats" in %w[768, 64] : f32
%source = plan.source "t" from %file ranges [[0, 0, 0, 160]]
plan.entry @decode rows 2 logit_rows 1 {
  // expected-error @below {{embed has 4 operands, expected 3}}
  plan.launch embed(%tokens, %table, %hidden, %hidden) {vocab = 10, hidden = 8} rows portable on compute
}

// -----

%file = plan.file "f" size 4096 hash 0
%w = plan.arena "weights" device size 4096
%io = plan.arena "io" host size 4096
%tokens_host = plan.buffer "tokens_host" in %io[0, 8] : i32
%logits_host = plan.buffer "logits_host" in %io[256, 80] : f32
%tokens = plan.buffer "tokens" in %w[0, 8] : i32
%table = plan.buffer "table" in %w[256, 160] : bf16
%hidden = plan.buffer "hidden" in %w[512, 32] : bf16
%floats = plan.buffer "floats" in %w[768, 64] : f32
%source = plan.source "t" from %file ranges [[0, 0, 0, 160]]
plan.entry @decode rows 2 logit_rows 1 {
  // expected-error @below {{embed operand 'tokens' is not in device memory}}
  plan.launch embed(%tokens_host, %table, %hidden) {vocab = 10, hidden = 8} rows portable on compute
}

// -----

%file = plan.file "f" size 4096 hash 0
%w = plan.arena "weights" device size 4096
%io = plan.arena "io" host size 4096
%tokens_host = plan.buffer "tokens_host" in %io[0, 8] : i32
%logits_host = plan.buffer "logits_host" in %io[256, 80] : f32
%tokens = plan.buffer "tokens" in %w[0, 8] : i32
%table = plan.buffer "table" in %w[256, 160] : bf16
%hidden = plan.buffer "hidden" in %w[512, 32] : bf16
%floats = plan.buffer "floats" in %w[768, 64] : f32
%source = plan.source "t" from %file ranges [[0, 0, 0, 160]]
plan.entry @decode rows 2 logit_rows 1 {
  // expected-error @below {{embed operand 'tokens' is 'f32', expected i32}}
  plan.launch embed(%floats, %table, %hidden) {vocab = 10, hidden = 8} rows portable on compute
}

// -----

%file = plan.file "f" size 4096 hash 0
%w = plan.arena "weights" device size 4096
%io = plan.arena "io" host size 4096
%tokens_host = plan.buffer "tokens_host" in %io[0, 8] : i32
%logits_host = plan.buffer "logits_host" in %io[256, 80] : f32
%tokens = plan.buffer "tokens" in %w[0, 8] : i32
%table = plan.buffer "table" in %w[256, 160] : bf16
%hidden = plan.buffer "hidden" in %w[512, 32] : bf16
%floats = plan.buffer "floats" in %w[768, 64] : f32
%source = plan.source "t" from %file ranges [[0, 0, 0, 160]]
plan.entry @decode rows 2 logit_rows 1 {
  // expected-error @below {{embed operand 'table' needs 176 bytes, its buffer 'table' has 160}}
  plan.launch embed(%tokens, %table, %hidden) {vocab = 11, hidden = 8} rows portable on compute
}

// -----

%file = plan.file "f" size 4096 hash 0
%w = plan.arena "weights" device size 4096
%io = plan.arena "io" host size 4096
%tokens_host = plan.buffer "tokens_host" in %io[0, 8] : i32
%logits_host = plan.buffer "logits_host" in %io[256, 80] : f32
%tokens = plan.buffer "tokens" in %w[0, 8] : i32
%table = plan.buffer "table" in %w[256, 160] : bf16
%hidden = plan.buffer "hidden" in %w[512, 32] : bf16
%floats = plan.buffer "floats" in %w[768, 64] : f32
%source = plan.source "t" from %file ranges [[0, 0, 0, 160]]
plan.entry @decode rows 3 logit_rows 1 {
  // expected-error @below {{embed operand 'tokens' needs 12 bytes, its buffer 'tokens' has 8}}
  plan.launch embed(%tokens, %table, %hidden) {vocab = 10, hidden = 8} rows portable on compute
}

// -----

%file = plan.file "f" size 4096 hash 0
%w = plan.arena "weights" device size 4096
%io = plan.arena "io" host size 4096
%tokens_host = plan.buffer "tokens_host" in %io[0, 8] : i32
%logits_host = plan.buffer "logits_host" in %io[256, 80] : f32
%tokens = plan.buffer "tokens" in %w[0, 8] : i32
%table = plan.buffer "table" in %w[256, 160] : bf16
%hidden = plan.buffer "hidden" in %w[512, 32] : bf16
%floats = plan.buffer "floats" in %w[768, 64] : f32
%source = plan.source "t" from %file ranges [[0, 0, 0, 160]]
plan.entry @decode rows 2 logit_rows 1 {
  // expected-error @below {{embed follows rows, but is launched with fixed ones}}
  plan.launch embed(%tokens, %table, %hidden) {vocab = 10, hidden = 8} fixed portable on compute
}

// -----

%file = plan.file "f" size 4096 hash 0
%w = plan.arena "weights" device size 4096
%io = plan.arena "io" host size 4096
%tokens_host = plan.buffer "tokens_host" in %io[0, 8] : i32
%logits_host = plan.buffer "logits_host" in %io[256, 80] : f32
%tokens = plan.buffer "tokens" in %w[0, 8] : i32
%table = plan.buffer "table" in %w[256, 160] : bf16
%hidden = plan.buffer "hidden" in %w[512, 32] : bf16
%floats = plan.buffer "floats" in %w[768, 64] : f32
%source = plan.source "t" from %file ranges [[0, 0, 0, 160]]
plan.entry @load rows 0 logit_rows 0 {
  // expected-error @below {{embed stands in @load}}
  plan.launch embed(%tokens, %table, %hidden) {vocab = 10, hidden = 8} rows portable on compute
}

// -----

%file = plan.file "f" size 4096 hash 0
%w = plan.arena "weights" device size 4096
%io = plan.arena "io" host size 4096
%tokens_host = plan.buffer "tokens_host" in %io[0, 8] : i32
%logits_host = plan.buffer "logits_host" in %io[256, 80] : f32
%tokens = plan.buffer "tokens" in %w[0, 8] : i32
%table = plan.buffer "table" in %w[256, 160] : bf16
%hidden = plan.buffer "hidden" in %w[512, 32] : bf16
%floats = plan.buffer "floats" in %w[768, 64] : f32
%source = plan.source "t" from %file ranges [[0, 0, 0, 160]]
plan.entry @decode rows 2 logit_rows 1 {
  // expected-error @below {{add writes 'out', which is also its 'b'}}
  plan.launch add(%hidden, %table, %table) {hidden = 8} rows portable on compute
}

// -----

%file = plan.file "f" size 4096 hash 0
%w = plan.arena "weights" device size 4096
%io = plan.arena "io" host size 4096
%tokens_host = plan.buffer "tokens_host" in %io[0, 8] : i32
%logits_host = plan.buffer "logits_host" in %io[256, 80] : f32
%tokens = plan.buffer "tokens" in %w[0, 8] : i32
%table = plan.buffer "table" in %w[256, 160] : bf16
%hidden = plan.buffer "hidden" in %w[512, 32] : bf16
%floats = plan.buffer "floats" in %w[768, 64] : f32
%source = plan.source "t" from %file ranges [[0, 0, 0, 160]]
plan.entry @decode rows 2 logit_rows 1 {
  // expected-error @below {{add operand 'b' is 'f32', other activations are not}}
  plan.launch add(%hidden, %floats, %table) {hidden = 8} rows portable on compute
}

// -----

%file = plan.file "f" size 4096 hash 0
%w = plan.arena "weights" device size 4096
%io = plan.arena "io" host size 4096
%tokens_host = plan.buffer "tokens_host" in %io[0, 8] : i32
%logits_host = plan.buffer "logits_host" in %io[256, 80] : f32
%tokens = plan.buffer "tokens" in %w[0, 8] : i32
%table = plan.buffer "table" in %w[256, 160] : bf16
%hidden = plan.buffer "hidden" in %w[512, 32] : bf16
%floats = plan.buffer "floats" in %w[768, 64] : f32
%source = plan.source "t" from %file ranges [[0, 0, 0, 160]]
plan.entry @decode rows 1 logit_rows 1 {
  // expected-error @below {{embed has 1 dims, expected 2}}
  "plan.launch"(%tokens, %table, %hidden) <{kernel = "embed", present = 7 : i64, dims = array<i64: 10>,
      scalars = array<f32>, rows = 1 : i32, arithmetic = 0 : i32, stream = 0 : i32}> : (!plan.buffer, !plan.buffer, !plan.buffer) -> ()
}

// -----

%file = plan.file "f" size 4096 hash 0
%w = plan.arena "weights" device size 4096
%io = plan.arena "io" host size 4096
%tokens_host = plan.buffer "tokens_host" in %io[0, 8] : i32
%logits_host = plan.buffer "logits_host" in %io[256, 80] : f32
%tokens = plan.buffer "tokens" in %w[0, 8] : i32
%table = plan.buffer "table" in %w[256, 160] : bf16
%hidden = plan.buffer "hidden" in %w[512, 32] : bf16
%floats = plan.buffer "floats" in %w[768, 64] : f32
%source = plan.source "t" from %file ranges [[0, 0, 0, 160]]
plan.entry @decode rows 1 logit_rows 1 {
  // expected-error @below {{embed has 1 scalars, expected 0}}
  "plan.launch"(%tokens, %table, %hidden) <{kernel = "embed", present = 7 : i64, dims = array<i64: 10, 8>,
      scalars = array<f32: 1.0>, rows = 1 : i32, arithmetic = 0 : i32, stream = 0 : i32}> : (!plan.buffer, !plan.buffer, !plan.buffer) -> ()
}

// -----

plan.entry @decode rows 1 logit_rows 1 {
  // expected-error @below {{operand 'in' is 'i8', expected f32}}
  plan.launch softmax(%a, %b) {width = 4} rows portable on compute
}
%a = plan.buffer "a" in %w[0, 16] : i8
%b = plan.buffer "b" in %w[256, 16] : f32
%w = plan.arena "workspace" device size 1024
