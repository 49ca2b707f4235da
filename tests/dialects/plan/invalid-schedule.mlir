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

// -----

// Of a stream there are four.
plan.entry @decode rows 1 logit_rows 1 {
  // expected-error @below {{property 'stream' failed to satisfy constraint: a stream}}
  %event = "plan.record"() <{stream = 4 : i32}> : () -> !plan.event
}

// -----

// Only ports and instructions stand in an entry.
plan.entry @decode rows 1 logit_rows 1 {
  // expected-error @below {{is no port or instruction of a plan.entry}}
  %cast = builtin.unrealized_conversion_cast to i32
}

// -----

// In a module a use may stand before its value, which is then verified later.
plan.entry @load rows 0 logit_rows 0 {
  // expected-error @below {{writes up to byte 9223372036854775807 of 'b', which has 16}}
  plan.fetch %source into %b on demand
}
%source = plan.source "t" from %file ranges [[0, 0, 9223372036854775807, 1]]
%file = plan.file "f" size 4096 hash 0
%b = plan.buffer "b" in %w[0, 16] : f32
%w = plan.arena "weights" device size 4096
