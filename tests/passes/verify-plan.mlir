// RUN: sluice-opt %s --verify-plan --split-input-file --verify-diagnostics

// A race-free entry: an event wherever two streams meet.
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

// -----

// Read after write without an event.
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
  // expected-note @below {{the other access}}
  plan.copy %tokens_host to %tokens rows 4 on demand
  // expected-error @below {{is not ordered by an event after an earlier access of the same bytes on another stream: 'tokens'}}
  plan.launch embed(%tokens, %table, %hidden) {vocab = 4, hidden = 4} rows portable on compute
}

// -----

// The event is recorded too early, before the copy.
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
  %up = plan.record on demand
  // expected-note @below {{the other access}}
  plan.copy %tokens_host to %tokens rows 4 on demand
  plan.wait %up on compute
  // expected-error @below {{is not ordered by an event after an earlier access of the same bytes on another stream: 'tokens'}}
  plan.launch embed(%tokens, %table, %hidden) {vocab = 4, hidden = 4} rows portable on compute
}

// -----

// The wrong stream waits.
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
  // expected-note @below {{the other access}}
  plan.copy %tokens_host to %tokens rows 4 on demand
  %up = plan.record on demand
  plan.wait %up on copy_back
  // expected-error @below {{is not ordered by an event after an earlier access of the same bytes on another stream: 'tokens'}}
  plan.launch embed(%tokens, %table, %hidden) {vocab = 4, hidden = 4} rows portable on compute
}

// -----

// Write after read: the tokens are replaced while embed reads them.
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
  // expected-note @below {{the other access}}
  plan.launch embed(%tokens, %table, %hidden) {vocab = 4, hidden = 4} rows portable on compute
  // expected-error @below {{is not ordered by an event after an earlier access of the same bytes on another stream: 'tokens'}}
  plan.copy %tokens_host to %tokens rows 4 on demand
}

// -----

// Write after write.
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
  // expected-note @below {{the other access}}
  plan.copy %tokens_host to %tokens rows 4 on demand
  // expected-error @below {{is not ordered by an event after an earlier access of the same bytes on another stream: 'tokens'}}
  plan.copy %tokens_host to %tokens rows 4 on prefetch
}

// -----

// What nobody wrote.
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
  // expected-error @below {{reads what nothing has written: 'tokens'}}
  plan.launch embed(%tokens, %table, %hidden) {vocab = 4, hidden = 4} rows portable on compute
}

// -----

// Two live ranges overlap: late lies over hidden, which is read behind it.
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
%late = plan.buffer "late" in %ws[256, 16] : f32
plan.entry @decode rows 1 logit_rows 1 {
  plan.input tokens %tokens_host
  plan.copy %tokens_host to %tokens rows 4 on demand
  %up = plan.record on demand
  plan.wait %up on compute
  plan.launch embed(%tokens, %table, %hidden) {vocab = 4, hidden = 4} rows portable on compute
  // expected-note @below {{the other access}}
  plan.launch add(%table, %table, %late) {hidden = 4} rows portable on compute
  // expected-error @below {{reads what another buffer has overwritten: 'hidden' and 'late'}}
  plan.launch add(%hidden, %table, %sum) {hidden = 4} rows portable on compute
}

// -----

// An operand lies over another operand of the same launch.
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
%late = plan.buffer "late" in %ws[256, 16] : f32
plan.entry @decode rows 1 logit_rows 1 {
  plan.input tokens %tokens_host
  plan.copy %tokens_host to %tokens rows 4 on demand
  %up = plan.record on demand
  plan.wait %up on compute
  plan.launch embed(%tokens, %table, %hidden) {vocab = 4, hidden = 4} rows portable on compute
  // expected-error @below {{writes bytes that it also accesses through another operand: 'late' and 'hidden'}}
  plan.launch add(%hidden, %table, %late) {hidden = 4} rows portable on compute
}

// -----

// A scratch buffer lies over a weight that later steps need.
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
%scratch = plan.buffer "scratch" in %w[0, 4] : i32
// expected-error @below {{buffer 'table' does not hold its data at the end: 'scratch'}}
plan.entry @decode rows 1 logit_rows 1 {
  plan.input tokens %tokens_host
  // expected-note @below {{the other access}}
  plan.copy %tokens_host to %scratch rows 4 on demand
}

// -----

// Two tables at one address.
%t = plan.arena "tables" device size 256
%a = plan.buffer "a" in %t[0, 8] : i32
%b = plan.buffer "b" in %t[0, 8] : i32
plan.constant %a = [0, 1]
plan.constant %b = [2, 3]
// expected-error @below {{buffer 'b' overlaps another buffer that holds data at the same time: 'a'}}
plan.entry @decode rows 1 logit_rows 1 {
}

// -----

// Two weights at one address.
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
// expected-error @below {{buffer 'other' does not hold its data at the end: 'table'}}
plan.entry @load rows 0 logit_rows 0 {
  // expected-note @below {{the other access}}
  plan.fetch %source into %table on demand
}
%other = plan.buffer "other" in %w[0, 64] : i32
plan.constant %other = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]
plan.entry @decode rows 1 logit_rows 1 {
}

// -----

// An output that nothing fills.
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
// expected-error @below {{buffer 'logits' does not hold its data at the end}}
plan.entry @decode rows 1 logit_rows 1 {
  plan.output logits %logits
}
