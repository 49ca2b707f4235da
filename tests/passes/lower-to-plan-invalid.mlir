// RUN: sluice-opt %s --split-input-file --allow-unregistered-dialect --lower-to-plan --verify-diagnostics

// Bad input ends in an error, never in a crash.

llm.model "m" {
  activations = bf16, architecture = "A", directory = "/m", experts = 2 : i64, hidden = 8 : i64,
  layers = 1 : i64, max_positions = 32 : i64, max_sequences = 1 : i64, options = "",
  page_tokens = 16 : i64, pages = 2 : i64, pages_per_sequence = 2 : i64, parameters = 1 : i64,
  stop_tokens = array<i64>, top_k = 1 : i64, vocab = 8 : i64}
// expected-error @below {{has no body}}
func.func private @load()

// -----

llm.model "m" {
  activations = bf16, architecture = "A", directory = "/m", experts = 2 : i64, hidden = 8 : i64,
  layers = 1 : i64, max_positions = 32 : i64, max_sequences = 1 : i64, options = "",
  page_tokens = 16 : i64, pages = 2 : i64, pages_per_sequence = 2 : i64, parameters = 1 : i64,
  stop_tokens = array<i64>, top_k = 1 : i64, vocab = 8 : i64}
// expected-error @below {{needs a body of one block that returns}}
func.func private @decode()

// -----

llm.model "m" {
  activations = bf16, architecture = "A", directory = "/m", experts = 2 : i64, hidden = 8 : i64,
  layers = 1 : i64, max_positions = 32 : i64, max_sequences = 1 : i64, options = "",
  page_tokens = 16 : i64, pages = 2 : i64, pages_per_sequence = 2 : i64, parameters = 1 : i64,
  stop_tokens = array<i64>, top_k = 1 : i64, vocab = 8 : i64}
// expected-error @below {{needs a body of one block that returns}}
func.func @decode(%t: tensor<?xi32> {llm.role = "tokens"})
    attributes {llm.max_rows = 4 : i64, llm.max_logit_rows = 2 : i64} {
  "other.end"(%t) : (tensor<?xi32>) -> ()
}

// -----

llm.model "m" {
  activations = bf16, architecture = "A", directory = "/m", experts = 2 : i64, hidden = 8 : i64,
  layers = 1 : i64, max_positions = 32 : i64, max_sequences = 1 : i64, options = "",
  page_tokens = 16 : i64, pages = 2 : i64, pages_per_sequence = 2 : i64, parameters = 1 : i64,
  stop_tokens = array<i64>, top_k = 1 : i64, vocab = 8 : i64}
// expected-error @below {{result 0 is a 'tensor<?xi32>', expected a tensor of two dims}}
func.func @decode(%t: tensor<?xi32> {llm.role = "tokens"}) -> tensor<?xi32>
    attributes {llm.max_rows = 4 : i64, llm.max_logit_rows = 2 : i64} {
  return %t : tensor<?xi32>
}

// -----

llm.model "m" {
  activations = bf16, architecture = "A", directory = "/m", experts = 2 : i64, hidden = 8 : i64,
  layers = 1 : i64, max_positions = 32 : i64, max_sequences = 1 : i64, options = "",
  page_tokens = 16 : i64, pages = 2 : i64, pages_per_sequence = 2 : i64, parameters = 1 : i64,
  stop_tokens = array<i64>, top_k = 1 : i64, vocab = 8 : i64}
llm.file @f "f" {bytes = 4611686018427387904 : i64, header_hash = 0 : i64}
llm.weight @w "w" in @f at 0 size 128 : tensor<8x8xbf16>
llm.expert_bank @bank "experts" {
  dtype = bf16, experts = 1 : i64, file_of = array<i32: 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64, offsets = array<i64: 0, 64, 128>}
// expected-error @below {{result 0 is a '!expert.set<@bank>', expected a tensor of two dims}}
func.func @decode(%i: tensor<2x1xi32> {llm.role = "page_table"}) -> !expert.set<@bank>
    attributes {llm.max_rows = 4 : i64, llm.max_logit_rows = 2 : i64} {
  %set = expert.demand %i : tensor<2x1xi32> -> !expert.set<@bank>
  return %set : !expert.set<@bank>
}

// -----

// Four rows in a step, the logits of two are wanted: their sum says nothing.
llm.model "m" {
  activations = bf16, architecture = "A", directory = "/m", experts = 2 : i64, hidden = 8 : i64,
  layers = 1 : i64, max_positions = 32 : i64, max_sequences = 1 : i64, options = "",
  page_tokens = 16 : i64, pages = 2 : i64, pages_per_sequence = 2 : i64, parameters = 1 : i64,
  stop_tokens = array<i64>, top_k = 1 : i64, vocab = 8 : i64}
llm.file @f "f" {bytes = 4611686018427387904 : i64, header_hash = 0 : i64}
llm.weight @w "w" in @f at 0 size 128 : tensor<8x8xbf16>
func.func @decode(%t: tensor<?xi32> {llm.role = "tokens"}, %r: tensor<?xi32> {llm.role = "logit_rows"})
    attributes {llm.max_rows = 4 : i64, llm.max_logit_rows = 2 : i64} {
  %h = llm.embed %t, @w : tensor<?xi32> -> tensor<?x8xbf16>
  %s = llm.select_rows %h, %r : tensor<?x8xbf16>, tensor<?xi32> -> tensor<?x8xbf16>
  // expected-error @below {{mixes the rows of the step with those of its logits: expected llm.select_rows between them}}
  %y = llm.add %h, %s : tensor<?x8xbf16>
  return
}

// -----

llm.model "m" {
  activations = bf16, architecture = "A", directory = "/m", experts = 2 : i64, hidden = 8 : i64,
  layers = 1 : i64, max_positions = 32 : i64, max_sequences = 1 : i64, options = "",
  page_tokens = 16 : i64, pages = 2 : i64, pages_per_sequence = 2 : i64, parameters = 1 : i64,
  stop_tokens = array<i64>, top_k = 1 : i64, vocab = 8 : i64}
llm.file @f "f" {bytes = 4611686018427387904 : i64, header_hash = 0 : i64}
llm.weight @w "w" in @f at 0 size 128 : tensor<8x8xbf16>
llm.expert_bank @bank "experts" {
  dtype = bf16, experts = 1 : i64, file_of = array<i32: 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64, offsets = array<i64: 0, 64, 128>}
expert.pool @pool {budget = 768 : i64, dtype = bf16, slot_bytes = 768 : i64, slots = 1 : i64}
func.func @load() {
  %set = expert.all : !expert.set<@bank>
  %ticket = expert.fetch %set into @pool : !expert.set<@bank> -> !expert.ticket<@bank>
  %slots = expert.await %ticket : !expert.ticket<@bank> -> !expert.slots<@bank>
  expert.pin %slots at 0 : !expert.slots<@bank>
  return
}
func.func @decode(%t: tensor<?xi32> {llm.role = "tokens"}, %r: tensor<?xi32> {llm.role = "logit_rows"})
    attributes {llm.max_rows = 4 : i64, llm.max_logit_rows = 2 : i64} {
  %h = llm.embed %t, @w : tensor<?xi32> -> tensor<?x8xbf16>
  %s = llm.select_rows %h, %r : tensor<?x8xbf16>, tensor<?xi32> -> tensor<?x8xbf16>
  %l = llm.linear %h, @w : tensor<?x8xbf16> -> tensor<?x8xf32>
  %ids, %weights = llm.route %l : tensor<?x8xf32> -> tensor<?x1xi32>, tensor<?x1xf32>
  %set = expert.demand %ids : tensor<?x1xi32> -> !expert.set<@bank>
  %slots = expert.resident : !expert.slots<@bank>
  // expected-error @below {{mixes the rows of the step with those of its logits}}
  %o = expert.run %s, %set, %slots
      : tensor<?x8xbf16>, !expert.set<@bank>, !expert.slots<@bank> -> !expert.outputs<@bank>
  return
}

// -----

// Sizes that multiply to more than any memory.
llm.model "m" {
  activations = bf16, architecture = "A", directory = "/m", experts = 2 : i64, hidden = 8 : i64,
  layers = 1 : i64, max_positions = 32 : i64, max_sequences = 1 : i64, options = "",
  page_tokens = 16 : i64, pages = 2 : i64, pages_per_sequence = 2 : i64, parameters = 1 : i64,
  stop_tokens = array<i64>, top_k = 1 : i64, vocab = 8 : i64}
llm.file @f "f" {bytes = 4611686018427387904 : i64, header_hash = 0 : i64}
llm.weight @w "w" in @f at 0 size 128 : tensor<8x8xbf16>
// expected-error @below {{'decode.tokens.host' takes arena 'io' above 2^60 bytes}}
func.func @decode(%t: tensor<?xi32> {llm.role = "tokens"})
    attributes {llm.max_rows = 9223372036854775807 : i64, llm.max_logit_rows = 2 : i64} {
  %h = llm.embed %t, @w : tensor<?xi32> -> tensor<?x8xbf16>
  return
}

// -----

llm.model "m" {
  activations = bf16, architecture = "A", directory = "/m", experts = 2 : i64, hidden = 8 : i64,
  layers = 1 : i64, max_positions = 32 : i64, max_sequences = 1 : i64, options = "",
  page_tokens = 16 : i64, pages = 2 : i64, pages_per_sequence = 2 : i64, parameters = 1 : i64,
  stop_tokens = array<i64>, top_k = 1 : i64, vocab = 8 : i64}
llm.file @f "f" {bytes = 4611686018427387904 : i64, header_hash = 0 : i64}
// expected-error @below {{'w' takes arena 'weights' above 2^60 bytes}}
llm.weight @w "w" in @f at 0 size 4611686018427387904 : tensor<288230376151711744x8xbf16>
func.func @decode(%t: tensor<?xi32> {llm.role = "tokens"})
    attributes {llm.max_rows = 4 : i64, llm.max_logit_rows = 2 : i64} {
  %h = llm.embed %t, @w : tensor<?xi32> -> tensor<?x8xbf16>
  return
}

// -----

llm.model "m" {
  activations = bf16, architecture = "A", directory = "/m", experts = 2 : i64, hidden = 8 : i64,
  layers = 1 : i64, max_positions = 32 : i64, max_sequences = 1 : i64, options = "",
  page_tokens = 16 : i64, pages = 2 : i64, pages_per_sequence = 2 : i64, parameters = 1 : i64,
  stop_tokens = array<i64>, top_k = 1 : i64, vocab = 8 : i64}
llm.file @f "f" {bytes = 4611686018427387904 : i64, header_hash = 0 : i64}
llm.weight @w "w" in @f at 0 size 128 : tensor<8x8xbf16>
llm.expert_bank @bank "experts" {
  dtype = bf16, experts = 1 : i64, file_of = array<i32: 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64, offsets = array<i64: 0, 64, 128>}
expert.pool @pool {
  budget = 1649267441664 : i64, dtype = bf16, slot_bytes = 768 : i64, slots = 2147483648 : i64}
func.func @load() {
  %set = expert.all : !expert.set<@bank>
  %ticket = expert.fetch %set into @pool : !expert.set<@bank> -> !expert.ticket<@bank>
  %slots = expert.await %ticket : !expert.ticket<@bank> -> !expert.slots<@bank>
  // expected-error @below {{at slot 2147483647, more than a plan can number}}
  expert.pin %slots at 2147483647 : !expert.slots<@bank>
  return
}
