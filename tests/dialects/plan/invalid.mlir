// RUN: sluice-opt %s --split-input-file --verify-diagnostics

plan.model "m" {
  architecture = "A", directory = "/m", experts = 2 : i64, hidden = 8 : i64, layers = 1 : i64,
  max_positions = 32 : i64, max_sequences = 1 : i64, options = "", page_tokens = 16 : i64,
  pages = 2 : i64, pages_per_sequence = 2 : i64, parameters = 7 : i64,
  stop_tokens = array<i64>, top_k = 1 : i64, vocab = 10 : i64}
// expected-error @below {{stands twice in a module}}
plan.model "m" {
  architecture = "A", directory = "/m", experts = 2 : i64, hidden = 8 : i64, layers = 1 : i64,
  max_positions = 32 : i64, max_sequences = 1 : i64, options = "", page_tokens = 16 : i64,
  pages = 2 : i64, pages_per_sequence = 2 : i64, parameters = 7 : i64,
  stop_tokens = array<i64>, top_k = 1 : i64, vocab = 10 : i64}

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
// expected-error @below {{path '../f' is not below the model's directory}}
%g = plan.file "../f" size 1 hash 0

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
// expected-error @below {{path '/f' is not below the model's directory}}
%g = plan.file "/f" size 1 hash 0

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
// expected-error @below {{has 0 bytes}}
%g = plan.file "g" size 0 hash 0

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
// expected-error @below {{has -1 bytes}}
%a = plan.arena "a" device size -1

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
// expected-error @below {{dtype is 'i64', expected bf16, f16, f32 or i32}}
%b = plan.buffer "b" in %w[0, 8] : i64

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
// expected-error @below {{starts at 8, expected a multiple of 256}}
%b = plan.buffer "b" in %w[8, 8] : i32

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
// expected-error @below {{starts at -256, expected a multiple of 256}}
%b = plan.buffer "b" in %w[-256, 8] : i32

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
// expected-error @below {{has 257 bytes from 3840 in arena 'weights' of 4096}}
%b = plan.buffer "b" in %w[3840, 257] : i32

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
// expected-error @below {{has 0 bytes from 0 in arena 'weights' of 4096}}
%b = plan.buffer "b" in %w[0, 0] : i32

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
// expected-error @below {{needs ranges of four numbers each}}
%s = plan.source "s" from %file ranges []

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
// expected-error @below {{range 0 names file 1 of 1}}
%s = plan.source "s" from %file ranges [[1, 0, 0, 8]]

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
// expected-error @below {{range 0 reads 8 bytes from 4089 of 'f', which has 4096}}
%s = plan.source "s" from %file ranges [[0, 4089, 0, 8]]

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
// expected-error @below {{range 0 has the target offset -1}}
%s = plan.source "s" from %file ranges [[0, 0, -1, 8]]

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
// expected-error @below {{ranges overlap at byte 4 of the target}}
%s = plan.source "s" from %file ranges [[0, 0, 4, 8], [0, 0, 0, 8]]

// -----

%file = plan.file "f" size 4096 hash 0
// expected-error @below {{expected [file, source offset, target offset, bytes]}}
%s = plan.source "s" from %file ranges [[0, 0, 0]]

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
// expected-error @below {{needs an i32 buffer}}
plan.constant %floats = [1]

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
// expected-error @below {{has 4 bytes for a buffer of 8}}
plan.constant %tokens = [1]

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
// expected-error @below {{needs f32 buffers of 32 bytes}}
plan.rope_table %floats, %floats positions 8 scale 1.0 frequencies [1.0]

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
// expected-error @below {{puts both tables into one buffer}}
plan.rope_table %floats, %floats positions 16 scale 1.0 frequencies [1.0]

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
// expected-error @below {{has 0 positions of 1 frequencies}}
plan.rope_table %floats, %floats positions 0 scale 1.0 frequencies [1.0]

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
// expected-error @below {{has at most 1 rows and 2 logit rows}}
plan.entry @decode rows 1 logit_rows 2 {
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
// expected-error @below {{@load has rows}}
plan.entry @load rows 1 logit_rows 0 {
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
  // expected-error @below {{cannot carry tokens}}
  plan.output tokens %tokens_host
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
  // expected-error @below {{cannot carry logits}}
  plan.input logits %logits_host
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
  // expected-error @below {{needs a buffer in host memory}}
  plan.input tokens %tokens
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
  // expected-error @below {{carries 'f32', expected i32}}
  plan.input tokens %logits_host
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
  // expected-error @below {{carries 'i32', expected f32}}
  plan.output logits %tokens_host
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
  // expected-error @below {{logits has layer 1}}
  plan.output logits layer 1 %logits_host
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
  // expected-error @below {{needs one buffer on the host and one on the device}}
  plan.copy %tokens to %table rows 4 on demand
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
  // expected-error @below {{records, but does not copy to the host}}
  plan.copy %tokens_host to %tokens rows 4 recording on demand
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
  // expected-error @below {{copies 0 bytes}}
  plan.copy %tokens_host to %tokens rows 0 on demand
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
  // expected-error @below {{copies up to 16 bytes, but 'tokens_host' has 8}}
  plan.copy %tokens_host to %tokens rows 8 on demand
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
  // expected-error @below {{stands outside @load}}
  plan.fetch %source into %table on demand
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
  // expected-error @below {{needs a plan.source and a buffer in device memory}}
  plan.fetch %source into %logits_host on demand
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
  // expected-error @below {{'t' writes up to byte 160 of 'hidden', which has 32}}
  plan.fetch %source into %hidden on demand
}

// -----

// An event cannot be waited for before it is recorded ...
plan.entry @decode rows 1 logit_rows 1 {
  // expected-error @below {{operand #0 does not dominate this use}}
  plan.wait %event on compute
  // expected-note @below {{operand defined here}}
  %event = plan.record on demand
}

// -----

// ... nor in another entry.
plan.entry @prefill rows 1 logit_rows 1 {
  %event = plan.record on demand
}
plan.entry @decode rows 1 logit_rows 1 {
  // expected-error @below {{use of undeclared SSA value name}}
  plan.wait %event on compute
}

// -----

// expected-error @below {{expects parent op 'plan.entry'}}
%event = plan.record on demand
