// RUN: sluice-opt %s --split-input-file --verify-diagnostics
// What a module declares, broken in each way its verifiers know.

// expected-error@+1 {{activations are 'f16', expected bf16 or f32}}
llm.model "m" {
  activations = f16, architecture = "A", directory = "/m", experts = 4 : i64,
  hidden = 8 : i64, layers = 1 : i64, max_positions = 32 : i64,
  max_sequences = 1 : i64, options = "", page_tokens = 16 : i64, pages = 2 : i64,
  pages_per_sequence = 2 : i64, parameters = 1 : i64, stop_tokens = array<i64: 1>,
  top_k = 2 : i64, vocab = 10 : i64}

// -----

// expected-error@+1 {{top_k 5 of 4 experts}}
llm.model "m" {
  activations = bf16, architecture = "A", directory = "/m", experts = 4 : i64,
  hidden = 8 : i64, layers = 1 : i64, max_positions = 32 : i64,
  max_sequences = 1 : i64, options = "", page_tokens = 16 : i64, pages = 2 : i64,
  pages_per_sequence = 2 : i64, parameters = 1 : i64, stop_tokens = array<i64: 1>,
  top_k = 5 : i64, vocab = 10 : i64}

// -----

// expected-error@+1 {{has experts without top_k}}
llm.model "m" {
  activations = bf16, architecture = "A", directory = "/m", experts = 4 : i64,
  hidden = 8 : i64, layers = 1 : i64, max_positions = 32 : i64,
  max_sequences = 1 : i64, options = "", page_tokens = 16 : i64, pages = 2 : i64,
  pages_per_sequence = 2 : i64, parameters = 1 : i64, stop_tokens = array<i64: 1>,
  top_k = 0 : i64, vocab = 10 : i64}

// -----

// expected-error@+1 {{2 pages of 16 tokens hold no sequence of 33}}
llm.model "m" {
  activations = bf16, architecture = "A", directory = "/m", experts = 4 : i64,
  hidden = 8 : i64, layers = 1 : i64, max_positions = 33 : i64,
  max_sequences = 1 : i64, options = "", page_tokens = 16 : i64, pages = 2 : i64,
  pages_per_sequence = 2 : i64, parameters = 1 : i64, stop_tokens = array<i64: 1>,
  top_k = 2 : i64, vocab = 10 : i64}

// -----

// expected-error@+1 {{1 pages, but one sequence may need 2}}
llm.model "m" {
  activations = bf16, architecture = "A", directory = "/m", experts = 4 : i64,
  hidden = 8 : i64, layers = 1 : i64, max_positions = 32 : i64,
  max_sequences = 1 : i64, options = "", page_tokens = 16 : i64, pages = 1 : i64,
  pages_per_sequence = 2 : i64, parameters = 1 : i64, stop_tokens = array<i64: 1>,
  top_k = 2 : i64, vocab = 10 : i64}

// -----

// expected-error@+1 {{stop token 10 is outside the vocabulary of 10}}
llm.model "m" {
  activations = bf16, architecture = "A", directory = "/m", experts = 4 : i64,
  hidden = 8 : i64, layers = 1 : i64, max_positions = 32 : i64,
  max_sequences = 1 : i64, options = "", page_tokens = 16 : i64, pages = 2 : i64,
  pages_per_sequence = 2 : i64, parameters = 1 : i64, stop_tokens = array<i64: 10>,
  top_k = 2 : i64, vocab = 10 : i64}

// -----

// expected-error@+1 {{attribute 'vocab' failed to satisfy constraint: 64-bit signless integer attribute whose value is positive}}
llm.model "m" {
  activations = bf16, architecture = "A", directory = "/m", experts = 4 : i64,
  hidden = 8 : i64, layers = 1 : i64, max_positions = 32 : i64,
  max_sequences = 1 : i64, options = "", page_tokens = 16 : i64, pages = 2 : i64,
  pages_per_sequence = 2 : i64, parameters = 1 : i64, stop_tokens = array<i64: 1>,
  top_k = 2 : i64, vocab = 0 : i64}

// -----

llm.model "m" {
  activations = bf16, architecture = "A", directory = "/m", experts = 4 : i64,
  hidden = 8 : i64, layers = 1 : i64, max_positions = 32 : i64,
  max_sequences = 1 : i64, options = "", page_tokens = 16 : i64, pages = 2 : i64,
  pages_per_sequence = 2 : i64, parameters = 1 : i64, stop_tokens = array<i64: 1>,
  top_k = 2 : i64, vocab = 10 : i64}
// expected-error@+1 {{stands twice in a module}}
llm.model "m" {
  activations = bf16, architecture = "A", directory = "/m", experts = 4 : i64,
  hidden = 8 : i64, layers = 1 : i64, max_positions = 32 : i64,
  max_sequences = 1 : i64, options = "", page_tokens = 16 : i64, pages = 2 : i64,
  pages_per_sequence = 2 : i64, parameters = 1 : i64, stop_tokens = array<i64: 1>,
  top_k = 2 : i64, vocab = 10 : i64}

// -----

// expected-error@+1 {{path '/etc/passwd' is not relative to the model's directory}}
llm.file @f "/etc/passwd" {bytes = 1 : i64, header_hash = 0 : i64}

// -----

// expected-error@+1 {{path 'a/../../b' leaves the model's directory}}
llm.file @f "a/../../b" {bytes = 1 : i64, header_hash = 0 : i64}

// -----

func.func @f() {
  // expected-error@+1 {{expects parent op 'builtin.module'}}
  llm.file @f "b" {bytes = 1 : i64, header_hash = 0 : i64}
  return
}

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
// expected-error@+1 {{has type 'tensor<8xi32>', expected bf16, f16 or f32}}
llm.weight @w "w" in @f at 0 size 32 : tensor<8xi32>

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
// expected-error@+1 {{has type 'tensor<?xbf16>'}}
llm.weight @w "w" in @f at 0 size 32 : tensor<?xbf16>

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
// expected-error@+1 {{has type 'tensor<1x2x4xbf16>'}}
llm.weight @w "w" in @f at 0 size 16 : tensor<1x2x4xbf16>

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
// expected-error@+1 {{has 32 bytes, but 'tensor<8xbf16>' needs 16}}
llm.weight @w "w" in @f at 0 size 32 : tensor<8xbf16>

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
// expected-error@+1 {{needs -1}}
llm.weight @w "w" in @f at 0 size 32 : tensor<4611686018427387904x4611686018427387904xbf16>

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
// expected-error@+1 {{reads bytes 4088 to 4104 of @f, which has 4096}}
llm.weight @w "w" in @f at 4088 size 16 : tensor<8xbf16>

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
// expected-error@+1 {{@g is not an llm.file}}
llm.weight @w "w" in @g at 0 size 16 : tensor<8xbf16>

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
// expected-error@+1 {{dtype is 'i8', expected bf16, f16 or f32}}
llm.expert_bank @b "b" {
  dtype = i8, experts = 1 : i64, file_of = array<i32: 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64, offsets = array<i64: 0, 64, 128>}

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
// expected-error@+1 {{has 3 files and 3 offsets for 2 experts of three matrices}}
llm.expert_bank @b "b" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64, offsets = array<i64: 0, 64, 128>}

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
// expected-error@+1 {{has 3 files and 2 offsets for 1 experts}}
llm.expert_bank @b "b" {
  dtype = bf16, experts = 1 : i64, file_of = array<i32: 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64, offsets = array<i64: 0, 64>}

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
// expected-error@+1 {{is larger than 2^63 bytes}}
llm.expert_bank @b "b" {
  dtype = bf16, experts = 1 : i64, file_of = array<i32: 0, 0, 0>, files = [@f],
  hidden = 4611686018427387904 : i64, inner = 4 : i64, layer = 0 : i64, offsets = array<i64: 0, 64, 128>}

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
// expected-error@+1 {{names file 1 of 1}}
llm.expert_bank @b "b" {
  dtype = bf16, experts = 1 : i64, file_of = array<i32: 0, 0, 1>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64, offsets = array<i64: 0, 64, 128>}

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
// expected-error@+1 {{names file -1 of 1}}
llm.expert_bank @b "b" {
  dtype = bf16, experts = 1 : i64, file_of = array<i32: 0, 0, -1>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64, offsets = array<i64: 0, 64, 128>}

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
// expected-error@+1 {{has the negative offset -1}}
llm.expert_bank @b "b" {
  dtype = bf16, experts = 1 : i64, file_of = array<i32: 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64, offsets = array<i64: 0, -1, 128>}

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
// expected-error@+1 {{reads bytes 4064 to 4128 of @f, which has 4096}}
llm.expert_bank @b "b" {
  dtype = bf16, experts = 1 : i64, file_of = array<i32: 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64, offsets = array<i64: 0, 64, 4064>}

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
// expected-error@+1 {{@g is not an llm.file}}
llm.expert_bank @b "b" {
  dtype = bf16, experts = 1 : i64, file_of = array<i32: 0, 0, 0>, files = [@g],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64, offsets = array<i64: 0, 64, 128>}

// -----

// expected-error@+1 {{has no frequencies}}
llm.rope_table @r {inverse_frequencies = array<f32>, positions = 1 : i64, scale = 1.0 : f32}

// -----

// expected-error@+1 {{has a scale that is not finite}}
llm.rope_table @r {inverse_frequencies = array<f32: 1.0>, positions = 1 : i64, scale = 0x7F800000 : f32}

// -----

// expected-error@+1 {{has a frequency that is not finite}}
llm.rope_table @r {inverse_frequencies = array<f32: 0x7FC00000>, positions = 1 : i64, scale = 1.0 : f32}

// -----

// expected-error@+1 {{has type 'tensor<4x16x8xbf16>', expected [pages, page_tokens, kv_heads, head_dim] of bf16 or f32}}
llm.kv_cache @kv {layer = 0 : i64} : tensor<4x16x8xbf16>

// -----

// expected-error@+1 {{has type 'tensor<4x16x1x8xf16>'}}
llm.kv_cache @kv {layer = 0 : i64} : tensor<4x16x1x8xf16>

// -----

// expected-error@+1 {{is larger than 2^63 bytes}}
llm.kv_cache @kv {layer = 0 : i64} : tensor<4294967296x4294967296x1x8xbf16>

// -----

// expected-error@+1 {{'llm.max_rows' is 0 : i64, expected a positive i64}}
func.func @f() attributes {llm.max_rows = 0 : i64} { return }

// -----

// expected-error@+1 {{'llm.max_rows' belongs on a function}}
module attributes {llm.max_rows = 1 : i64} {}

// -----

// expected-error@+1 {{has the unknown attribute 'llm.maximum'}}
func.func @f() attributes {llm.maximum = 1 : i64} { return }

// -----

// expected-error@+1 {{'llm.role' is "logits", expected one of tokens, positions, sequences, page_table, logit_rows}}
func.func @f(%x: tensor<?xi32> {llm.role = "logits"}) { return }

// -----

// expected-error@+1 {{'llm.role' is "tokens", expected one of logits, expert_ids, expert_weights}}
func.func @f(%x: tensor<?xi32>) -> (tensor<?xi32> {llm.role = "tokens"}) {
  return %x : tensor<?xi32>
}

// -----

// expected-error@+1 {{'llm.layer' is -1 : i64, expected an i64 of at least 0}}
func.func @f(%x: tensor<?xi32>) -> (tensor<?xi32> {llm.layer = -1 : i64}) {
  return %x : tensor<?xi32>
}

// -----

// expected-error@+1 {{has the unknown attribute 'llm.rolle'}}
func.func @f(%x: tensor<?xi32> {llm.rolle = "tokens"}) { return }
