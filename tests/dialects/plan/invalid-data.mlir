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

// expected-error @below {{has -1 bytes}}
plan.memory "nothing" device size -1
