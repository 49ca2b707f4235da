// RUN: sluice-opt %s --verify-llm --split-input-file --verify-diagnostics
// RUN: not sluice-opt %s --verify-llm --split-input-file -o /dev/null \
// RUN:   --remarks-filter=verify-llm 2>&1 | FileCheck %s

// Two entry points of an embedding and a projection each.
// CHECK: entries=2, ops=4

// A whole model without layers passes.

llm.model "m" {
  activations = bf16, architecture = "A", directory = "/m", experts = 4 : i64,
  hidden = 8 : i64, layers = 1 : i64, max_positions = 32 : i64, max_sequences = 1 : i64,
  options = "", page_tokens = 16 : i64, pages = 2 : i64, pages_per_sequence = 2 : i64,
  parameters = 1 : i64, stop_tokens = array<i64>, top_k = 2 : i64, vocab = 10 : i64}
llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.weight @w "w" in @f at 0 size 160 : tensor<10x8xbf16>
llm.kv_cache @kv {layer = 0 : i64} : tensor<2x16x1x8xbf16>
func.func @prefill(
    %t: tensor<?xi32> {llm.role = "tokens"}, %p: tensor<?xi32> {llm.role = "positions"},
    %s: tensor<?xi32> {llm.role = "sequences"}, %g: tensor<1x2xi32> {llm.role = "page_table"},
    %r: tensor<?xi32> {llm.role = "logit_rows"}) -> (tensor<?x10xf32> {llm.role = "logits"})
    attributes {llm.max_rows = 32 : i64, llm.max_logit_rows = 1 : i64} {
  %h = llm.embed %t, @w : tensor<?xi32> -> tensor<?x8xbf16>
  %l = llm.linear %h, @w : tensor<?x8xbf16> -> tensor<?x10xf32>
  return %l : tensor<?x10xf32>
}
func.func @decode(
    %t: tensor<?xi32> {llm.role = "tokens"}, %p: tensor<?xi32> {llm.role = "positions"},
    %s: tensor<?xi32> {llm.role = "sequences"}, %g: tensor<1x2xi32> {llm.role = "page_table"},
    %r: tensor<?xi32> {llm.role = "logit_rows"}) -> (tensor<?x10xf32> {llm.role = "logits"})
    attributes {llm.max_rows = 1 : i64, llm.max_logit_rows = 1 : i64} {
  %h = llm.embed %t, @w : tensor<?xi32> -> tensor<?x8xbf16>
  %l = llm.linear %h, @w : tensor<?x8xbf16> -> tensor<?x10xf32>
  return %l : tensor<?x10xf32>
}

// -----

// expected-error@+1 {{has no llm.model}}
module {}

// -----

// expected-error@+1 {{has no entry point @prefill}}
module {
llm.model "m" {
  activations = bf16, architecture = "A", directory = "/m", experts = 4 : i64,
  hidden = 8 : i64, layers = 1 : i64, max_positions = 32 : i64, max_sequences = 1 : i64,
  options = "", page_tokens = 16 : i64, pages = 2 : i64, pages_per_sequence = 2 : i64,
  parameters = 1 : i64, stop_tokens = array<i64>, top_k = 2 : i64, vocab = 10 : i64}
}

// -----

llm.model "m" {
  activations = bf16, architecture = "A", directory = "/m", experts = 4 : i64,
  hidden = 8 : i64, layers = 1 : i64, max_positions = 32 : i64, max_sequences = 1 : i64,
  options = "", page_tokens = 16 : i64, pages = 2 : i64, pages_per_sequence = 2 : i64,
  parameters = 1 : i64, stop_tokens = array<i64>, top_k = 2 : i64, vocab = 10 : i64}
llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.weight @w "w" in @f at 0 size 160 : tensor<10x8xbf16>
// expected-error@+1 {{needs llm.max_rows and llm.max_logit_rows}}
func.func @prefill(%t: tensor<?xi32> {llm.role = "tokens"}, %p: tensor<?xi32> {llm.role = "positions"},
    %s: tensor<?xi32> {llm.role = "sequences"}, %g: tensor<1x2xi32> {llm.role = "page_table"},
    %r: tensor<?xi32> {llm.role = "logit_rows"})
    -> (tensor<?x10xf32> {llm.role = "logits"})
    {
  %h = llm.embed %t, @w : tensor<?xi32> -> tensor<?x8xbf16>
  %l = llm.linear %h, @w : tensor<?x8xbf16> -> tensor<?x10xf32>
  return %l : tensor<?x10xf32>
}

// -----

llm.model "m" {
  activations = bf16, architecture = "A", directory = "/m", experts = 4 : i64,
  hidden = 8 : i64, layers = 1 : i64, max_positions = 32 : i64, max_sequences = 1 : i64,
  options = "", page_tokens = 16 : i64, pages = 2 : i64, pages_per_sequence = 2 : i64,
  parameters = 1 : i64, stop_tokens = array<i64>, top_k = 2 : i64, vocab = 10 : i64}
llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.weight @w "w" in @f at 0 size 160 : tensor<10x8xbf16>
// expected-error@+1 {{has 4 arguments, expected 5}}
func.func @prefill(%t: tensor<?xi32> {llm.role = "tokens"}, %p: tensor<?xi32> {llm.role = "positions"},
    %s: tensor<?xi32> {llm.role = "sequences"}, %g: tensor<1x2xi32> {llm.role = "page_table"})
    -> (tensor<?x10xf32> {llm.role = "logits"})
    attributes {llm.max_rows = 1 : i64, llm.max_logit_rows = 1 : i64} {
  %h = llm.embed %t, @w : tensor<?xi32> -> tensor<?x8xbf16>
  %l = llm.linear %h, @w : tensor<?x8xbf16> -> tensor<?x10xf32>
  return %l : tensor<?x10xf32>
}

// -----

llm.model "m" {
  activations = bf16, architecture = "A", directory = "/m", experts = 4 : i64,
  hidden = 8 : i64, layers = 1 : i64, max_positions = 32 : i64, max_sequences = 1 : i64,
  options = "", page_tokens = 16 : i64, pages = 2 : i64, pages_per_sequence = 2 : i64,
  parameters = 1 : i64, stop_tokens = array<i64>, top_k = 2 : i64, vocab = 10 : i64}
llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.weight @w "w" in @f at 0 size 160 : tensor<10x8xbf16>
// expected-error@+1 {{argument 1 is not the positions}}
func.func @prefill(%t: tensor<?xi32> {llm.role = "tokens"}, %p: tensor<?xi32> {llm.role = "sequences"},
    %s: tensor<?xi32> {llm.role = "positions"}, %g: tensor<1x2xi32> {llm.role = "page_table"},
    %r: tensor<?xi32> {llm.role = "logit_rows"})
    -> (tensor<?x10xf32> {llm.role = "logits"})
    attributes {llm.max_rows = 1 : i64, llm.max_logit_rows = 1 : i64} {
  %h = llm.embed %t, @w : tensor<?xi32> -> tensor<?x8xbf16>
  %l = llm.linear %h, @w : tensor<?x8xbf16> -> tensor<?x10xf32>
  return %l : tensor<?x10xf32>
}

// -----

llm.model "m" {
  activations = bf16, architecture = "A", directory = "/m", experts = 4 : i64,
  hidden = 8 : i64, layers = 1 : i64, max_positions = 32 : i64, max_sequences = 1 : i64,
  options = "", page_tokens = 16 : i64, pages = 2 : i64, pages_per_sequence = 2 : i64,
  parameters = 1 : i64, stop_tokens = array<i64>, top_k = 2 : i64, vocab = 10 : i64}
llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.weight @w "w" in @f at 0 size 160 : tensor<10x8xbf16>
// expected-error@+1 {{page_table are 'tensor<2x2xi32>', expected 'tensor<1x2xi32>'}}
func.func @prefill(%t: tensor<?xi32> {llm.role = "tokens"}, %p: tensor<?xi32> {llm.role = "positions"},
    %s: tensor<?xi32> {llm.role = "sequences"}, %g: tensor<2x2xi32> {llm.role = "page_table"},
    %r: tensor<?xi32> {llm.role = "logit_rows"})
    -> (tensor<?x10xf32> {llm.role = "logits"})
    attributes {llm.max_rows = 1 : i64, llm.max_logit_rows = 1 : i64} {
  %h = llm.embed %t, @w : tensor<?xi32> -> tensor<?x8xbf16>
  %l = llm.linear %h, @w : tensor<?x8xbf16> -> tensor<?x10xf32>
  return %l : tensor<?x10xf32>
}

// -----

llm.model "m" {
  activations = bf16, architecture = "A", directory = "/m", experts = 4 : i64,
  hidden = 8 : i64, layers = 1 : i64, max_positions = 32 : i64, max_sequences = 1 : i64,
  options = "", page_tokens = 16 : i64, pages = 2 : i64, pages_per_sequence = 2 : i64,
  parameters = 1 : i64, stop_tokens = array<i64>, top_k = 2 : i64, vocab = 10 : i64}
llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.weight @w "w" in @f at 0 size 160 : tensor<10x8xbf16>
// expected-error@+1 {{result 0 is not the logits}}
func.func @prefill(%t: tensor<?xi32> {llm.role = "tokens"}, %p: tensor<?xi32> {llm.role = "positions"},
    %s: tensor<?xi32> {llm.role = "sequences"}, %g: tensor<1x2xi32> {llm.role = "page_table"},
    %r: tensor<?xi32> {llm.role = "logit_rows"})
    -> (tensor<?x10xf32>)
    attributes {llm.max_rows = 1 : i64, llm.max_logit_rows = 1 : i64} {
  %h = llm.embed %t, @w : tensor<?xi32> -> tensor<?x8xbf16>
  %l = llm.linear %h, @w : tensor<?x8xbf16> -> tensor<?x10xf32>
  return %l : tensor<?x10xf32>
}

// -----

llm.model "m" {
  activations = bf16, architecture = "A", directory = "/m", experts = 4 : i64,
  hidden = 8 : i64, layers = 1 : i64, max_positions = 32 : i64, max_sequences = 1 : i64,
  options = "", page_tokens = 16 : i64, pages = 2 : i64, pages_per_sequence = 2 : i64,
  parameters = 1 : i64, stop_tokens = array<i64>, top_k = 2 : i64, vocab = 10 : i64}
llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.weight @w "w" in @f at 0 size 160 : tensor<10x8xbf16>
// expected-error@+1 {{logits are 'tensor<?x8xbf16>', expected 'tensor<?x10xf32>'}}
func.func @prefill(%t: tensor<?xi32> {llm.role = "tokens"}, %p: tensor<?xi32> {llm.role = "positions"},
    %s: tensor<?xi32> {llm.role = "sequences"}, %g: tensor<1x2xi32> {llm.role = "page_table"},
    %r: tensor<?xi32> {llm.role = "logit_rows"})
    -> (tensor<?x8xbf16> {llm.role = "logits"})
    attributes {llm.max_rows = 1 : i64, llm.max_logit_rows = 1 : i64} {
  %h = llm.embed %t, @w : tensor<?xi32> -> tensor<?x8xbf16>
  return %h : tensor<?x8xbf16>
}

// -----

llm.model "m" {
  activations = bf16, architecture = "A", directory = "/m", experts = 4 : i64,
  hidden = 8 : i64, layers = 1 : i64, max_positions = 32 : i64, max_sequences = 1 : i64,
  options = "", page_tokens = 16 : i64, pages = 2 : i64, pages_per_sequence = 2 : i64,
  parameters = 1 : i64, stop_tokens = array<i64>, top_k = 2 : i64, vocab = 10 : i64}
llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.weight @w "w" in @f at 0 size 160 : tensor<10x8xbf16>
// expected-error@+1 {{results 1 and 2 are not of one layer}}
func.func @prefill(%t: tensor<?xi32> {llm.role = "tokens"}, %p: tensor<?xi32> {llm.role = "positions"},
    %s: tensor<?xi32> {llm.role = "sequences"}, %g: tensor<1x2xi32> {llm.role = "page_table"},
    %r: tensor<?xi32> {llm.role = "logit_rows"})
    -> (tensor<?x10xf32> {llm.role = "logits"},
        tensor<?x2xi32> {llm.role = "expert_ids", llm.layer = 0 : i64},
        tensor<?x2xf32> {llm.role = "expert_weights", llm.layer = 1 : i64})
    attributes {llm.max_rows = 1 : i64, llm.max_logit_rows = 1 : i64} {
  %h = llm.embed %t, @w : tensor<?xi32> -> tensor<?x8xbf16>
  %l = llm.linear %h, @w : tensor<?x8xbf16> -> tensor<?x10xf32>
  %i, %v = llm.route %l : tensor<?x10xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return %l, %i, %v : tensor<?x10xf32>, tensor<?x2xi32>, tensor<?x2xf32>
}

// -----

llm.model "m" {
  activations = bf16, architecture = "A", directory = "/m", experts = 4 : i64,
  hidden = 8 : i64, layers = 1 : i64, max_positions = 32 : i64, max_sequences = 1 : i64,
  options = "", page_tokens = 16 : i64, pages = 2 : i64, pages_per_sequence = 2 : i64,
  parameters = 1 : i64, stop_tokens = array<i64>, top_k = 2 : i64, vocab = 10 : i64}
llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.weight @w "w" in @f at 0 size 160 : tensor<10x8xbf16>
// expected-error@+1 {{results 1 and 2 are not of one layer}}
func.func @prefill(%t: tensor<?xi32> {llm.role = "tokens"}, %p: tensor<?xi32> {llm.role = "positions"},
    %s: tensor<?xi32> {llm.role = "sequences"}, %g: tensor<1x2xi32> {llm.role = "page_table"},
    %r: tensor<?xi32> {llm.role = "logit_rows"})
    -> (tensor<?x10xf32> {llm.role = "logits"},
        tensor<?x2xi32> {llm.role = "expert_ids", llm.layer = 1 : i64},
        tensor<?x2xf32> {llm.role = "expert_weights", llm.layer = 1 : i64})
    attributes {llm.max_rows = 1 : i64, llm.max_logit_rows = 1 : i64} {
  %h = llm.embed %t, @w : tensor<?xi32> -> tensor<?x8xbf16>
  %l = llm.linear %h, @w : tensor<?x8xbf16> -> tensor<?x10xf32>
  %i, %v = llm.route %l : tensor<?x10xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return %l, %i, %v : tensor<?x10xf32>, tensor<?x2xi32>, tensor<?x2xf32>
}

// -----

llm.model "m" {
  activations = bf16, architecture = "A", directory = "/m", experts = 4 : i64,
  hidden = 8 : i64, layers = 1 : i64, max_positions = 32 : i64, max_sequences = 1 : i64,
  options = "", page_tokens = 16 : i64, pages = 2 : i64, pages_per_sequence = 2 : i64,
  parameters = 1 : i64, stop_tokens = array<i64>, top_k = 2 : i64, vocab = 10 : i64}
llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.weight @w "w" in @f at 0 size 160 : tensor<10x8xbf16>
func.func @prefill(%t: tensor<?xi32> {llm.role = "tokens"}, %p: tensor<?xi32> {llm.role = "positions"},
    %s: tensor<?xi32> {llm.role = "sequences"}, %g: tensor<1x2xi32> {llm.role = "page_table"},
    %r: tensor<?xi32> {llm.role = "logit_rows"})
    -> (tensor<?x10xf32> {llm.role = "logits"})
    attributes {llm.max_rows = 1 : i64, llm.max_logit_rows = 1 : i64} {
  // expected-error@+1 {{does not belong in the llm stage}}
  %x = func.call @other() : () -> i32
  %h = llm.embed %t, @w : tensor<?xi32> -> tensor<?x8xbf16>
  %l = llm.linear %h, @w : tensor<?x8xbf16> -> tensor<?x10xf32>
  return %l : tensor<?x10xf32>
}
func.func private @other() -> i32

// -----

llm.model "m" {
  activations = bf16, architecture = "A", directory = "/m", experts = 4 : i64,
  hidden = 8 : i64, layers = 1 : i64, max_positions = 32 : i64, max_sequences = 1 : i64,
  options = "", page_tokens = 16 : i64, pages = 2 : i64, pages_per_sequence = 2 : i64,
  parameters = 1 : i64, stop_tokens = array<i64>, top_k = 2 : i64, vocab = 10 : i64}
llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.weight @w "w" in @f at 0 size 160 : tensor<10x8xbf16>
func.func @prefill(%t: tensor<?xi32> {llm.role = "tokens"}, %p: tensor<?xi32> {llm.role = "positions"},
    %s: tensor<?xi32> {llm.role = "sequences"}, %g: tensor<1x2xi32> {llm.role = "page_table"},
    %r: tensor<?xi32> {llm.role = "logit_rows"})
    -> (tensor<?x10xf32> {llm.role = "logits"})
    attributes {llm.max_rows = 1 : i64, llm.max_logit_rows = 1 : i64} {
  %h = llm.embed %t, @w : tensor<?xi32> -> tensor<?x8xbf16>
  %l = llm.linear %h, @w : tensor<?x8xbf16> -> tensor<?x10xf32>
  return %l : tensor<?x10xf32>
}
func.func @decode(%t: tensor<?xi32> {llm.role = "tokens"}, %p: tensor<?xi32> {llm.role = "positions"},
    %s: tensor<?xi32> {llm.role = "sequences"}, %g: tensor<1x2xi32> {llm.role = "page_table"},
    %r: tensor<?xi32> {llm.role = "logit_rows"})
    -> (tensor<?x10xf32> {llm.role = "logits"})
    attributes {llm.max_rows = 1 : i64, llm.max_logit_rows = 1 : i64} {
  %h = llm.embed %t, @w : tensor<?xi32> -> tensor<?x8xbf16>
  %l = llm.linear %h, @w : tensor<?x8xbf16> -> tensor<?x10xf32>
  return %l : tensor<?x10xf32>
}
// expected-error@+1 {{is 'tensor<3x16x1x8xbf16>', but the model has 2 pages of 16 tokens in 'bf16'}}
llm.kv_cache @kv {layer = 0 : i64} : tensor<3x16x1x8xbf16>

// -----

llm.model "m" {
  activations = bf16, architecture = "A", directory = "/m", experts = 4 : i64,
  hidden = 8 : i64, layers = 1 : i64, max_positions = 32 : i64, max_sequences = 1 : i64,
  options = "", page_tokens = 16 : i64, pages = 2 : i64, pages_per_sequence = 2 : i64,
  parameters = 1 : i64, stop_tokens = array<i64>, top_k = 2 : i64, vocab = 10 : i64}
llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.weight @w "w" in @f at 0 size 160 : tensor<10x8xbf16>
func.func @prefill(%t: tensor<?xi32> {llm.role = "tokens"}, %p: tensor<?xi32> {llm.role = "positions"},
    %s: tensor<?xi32> {llm.role = "sequences"}, %g: tensor<1x2xi32> {llm.role = "page_table"},
    %r: tensor<?xi32> {llm.role = "logit_rows"})
    -> (tensor<?x10xf32> {llm.role = "logits"})
    attributes {llm.max_rows = 1 : i64, llm.max_logit_rows = 1 : i64} {
  %h = llm.embed %t, @w : tensor<?xi32> -> tensor<?x8xbf16>
  %l = llm.linear %h, @w : tensor<?x8xbf16> -> tensor<?x10xf32>
  return %l : tensor<?x10xf32>
}
func.func @decode(%t: tensor<?xi32> {llm.role = "tokens"}, %p: tensor<?xi32> {llm.role = "positions"},
    %s: tensor<?xi32> {llm.role = "sequences"}, %g: tensor<1x2xi32> {llm.role = "page_table"},
    %r: tensor<?xi32> {llm.role = "logit_rows"})
    -> (tensor<?x10xf32> {llm.role = "logits"})
    attributes {llm.max_rows = 1 : i64, llm.max_logit_rows = 1 : i64} {
  %h = llm.embed %t, @w : tensor<?xi32> -> tensor<?x8xbf16>
  %l = llm.linear %h, @w : tensor<?x8xbf16> -> tensor<?x10xf32>
  return %l : tensor<?x10xf32>
}
// expected-error@+1 {{has 31 positions, the model needs 32}}
llm.rope_table @r {inverse_frequencies = array<f32: 1.0>, positions = 31 : i64, scale = 1.0 : f32}
