// RUN: sluice-opt %s --split-input-file --verify-diagnostics

// expected-error @below {{dtype is 'i32', expected bf16, f16 or f32}}
expert.pool @pool {budget = 4096 : i64, dtype = i32, slot_bytes = 768 : i64, slots = 2 : i64}

// -----

// expected-error @below {{slot_bytes is 700, expected a multiple of 256}}
expert.pool @pool {budget = 4096 : i64, dtype = bf16, slot_bytes = 700 : i64, slots = 2 : i64}

// -----

// Twice 1536 bytes, of 2048.
// expected-error @below {{the module's pools take 3072 bytes, more than the budget of 2048}}
expert.pool @pool {budget = 2048 : i64, dtype = bf16, slot_bytes = 768 : i64, slots = 2 : i64}
expert.pool @second {budget = 2048 : i64, dtype = bf16, slot_bytes = 768 : i64, slots = 2 : i64}

// -----

// expected-error @below {{is larger than 2^63 bytes}}
expert.pool @pool {budget = 4096 : i64, dtype = bf16, slot_bytes = 768 : i64, slots = 9223372036854775807 : i64}

// -----

llm.file @f "f" {bytes = 65536 : i64, header_hash = 0 : i64}
llm.expert_bank @bank "experts" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}
func.func @g() {
  // expected-error @below {{'expert.all' op @f is not an llm.expert_bank}}
  %set = expert.all : !expert.set<@f>
  return
}

// -----

llm.file @f "f" {bytes = 65536 : i64, header_hash = 0 : i64}
llm.expert_bank @bank "experts" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}
func.func @g(%ids: tensor<?x3xi32>) {
  // expected-error @below {{chooses 3 of 2 experts}}
  %set = expert.demand %ids : tensor<?x3xi32> -> !expert.set<@bank>
  return
}

// -----

llm.file @f "f" {bytes = 65536 : i64, header_hash = 0 : i64}
llm.expert_bank @bank "experts" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}
func.func @g(%set: !expert.set<@bank>) {
  // expected-error @below {{@bank is not an expert.pool}}
  %ticket = expert.fetch %set into @bank : !expert.set<@bank> -> !expert.ticket<@bank>
  %slots = expert.await %ticket : !expert.ticket<@bank> -> !expert.slots<@bank>
  expert.release %slots : !expert.slots<@bank>
  return
}

// -----

llm.file @f "f" {bytes = 65536 : i64, header_hash = 0 : i64}
llm.expert_bank @bank "experts" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}
expert.pool @pool {budget = 4096 : i64, dtype = f32, slot_bytes = 768 : i64, slots = 2 : i64}
func.func @g(%set: !expert.set<@bank>) {
  // expected-error @below {{brings 'bf16' experts into a 'f32' pool}}
  %ticket = expert.fetch %set into @pool : !expert.set<@bank> -> !expert.ticket<@bank>
  %slots = expert.await %ticket : !expert.ticket<@bank> -> !expert.slots<@bank>
  expert.release %slots : !expert.slots<@bank>
  return
}

// -----

llm.file @f "f" {bytes = 65536 : i64, header_hash = 0 : i64}
llm.expert_bank @bank "experts" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}
expert.pool @pool {budget = 4096 : i64, dtype = bf16, slot_bytes = 512 : i64, slots = 2 : i64}
func.func @g(%set: !expert.set<@bank>) {
  // expected-error @below {{an expert of 768 bytes does not fit a slot of 512}}
  %ticket = expert.fetch %set into @pool : !expert.set<@bank> -> !expert.ticket<@bank>
  %slots = expert.await %ticket : !expert.ticket<@bank> -> !expert.slots<@bank>
  expert.release %slots : !expert.slots<@bank>
  return
}

// -----

llm.file @f "f" {bytes = 65536 : i64, header_hash = 0 : i64}
llm.expert_bank @bank "experts" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}
expert.pool @pool {budget = 4096 : i64, dtype = bf16, slot_bytes = 768 : i64, slots = 2 : i64}
func.func @g(%set: !expert.set<@bank>) {
  // expected-error @below {{ticket must be awaited exactly once}}
  %ticket = expert.fetch %set into @pool : !expert.set<@bank> -> !expert.ticket<@bank>
  return
}

// -----

llm.file @f "f" {bytes = 65536 : i64, header_hash = 0 : i64}
llm.expert_bank @bank "experts" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}
llm.expert_bank @other "experts" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}
expert.pool @pool {budget = 4096 : i64, dtype = bf16, slot_bytes = 768 : i64, slots = 2 : i64}
func.func @g(%set: !expert.set<@bank>) {
  // expected-error @below {{'set' and 'ticket' name the same bank}}
  %ticket = expert.fetch %set into @pool : !expert.set<@bank> -> !expert.ticket<@other>
  return
}

// -----

llm.file @f "f" {bytes = 65536 : i64, header_hash = 0 : i64}
llm.expert_bank @bank "experts" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}
func.func @g(%ticket: !expert.ticket<@bank>) {
  // expected-error @below {{slots are neither released nor pinned}}
  %slots = expert.await %ticket : !expert.ticket<@bank> -> !expert.slots<@bank>
  return
}

// -----

llm.file @f "f" {bytes = 65536 : i64, header_hash = 0 : i64}
llm.expert_bank @bank "experts" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}
func.func @g(%ticket: !expert.ticket<@bank>) {
  // expected-error @below {{slots are released or pinned twice}}
  %slots = expert.await %ticket : !expert.ticket<@bank> -> !expert.slots<@bank>
  expert.release %slots : !expert.slots<@bank>
  expert.release %slots : !expert.slots<@bank>
  return
}

// -----

llm.file @f "f" {bytes = 65536 : i64, header_hash = 0 : i64}
llm.expert_bank @bank "experts" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}
func.func @g(%ticket: !expert.ticket<@bank>, %x: tensor<?x8xbf16>, %w: tensor<?x2xf32>, %set: !expert.set<@bank>) {
  // expected-error @below {{slots are used after their release}}
  %slots = expert.await %ticket : !expert.ticket<@bank> -> !expert.slots<@bank>
  expert.release %slots : !expert.slots<@bank>
  %o = expert.run %x, %set, %slots
      : tensor<?x8xbf16>, !expert.set<@bank>, !expert.slots<@bank> -> !expert.outputs<@bank>
  return
}

// -----

llm.file @f "f" {bytes = 65536 : i64, header_hash = 0 : i64}
llm.expert_bank @bank "experts" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}
func.func @g(%x: tensor<?x4xbf16>, %w: tensor<?x2xf32>, %set: !expert.set<@bank>, %slots: !expert.slots<@bank>) {
  // expected-error @below {{rows have 4 features, the bank's experts take 8}}
  %o = expert.run %x, %set, %slots
      : tensor<?x4xbf16>, !expert.set<@bank>, !expert.slots<@bank> -> !expert.outputs<@bank>
  return
}

// -----

llm.file @f "f" {bytes = 65536 : i64, header_hash = 0 : i64}
llm.expert_bank @bank "experts" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}
func.func @g(%x: tensor<?x8xbf16>, %ids: tensor<?x1xi32>, %w: tensor<?x2xf32>, %slots: !expert.slots<@bank>) {
  %set = expert.demand %ids : tensor<?x1xi32> -> !expert.set<@bank>
  %o = expert.run %x, %set, %slots
      : tensor<?x8xbf16>, !expert.set<@bank>, !expert.slots<@bank> -> !expert.outputs<@bank>
  // expected-error @below {{weights are 'tensor<?x2xf32>' for ids of 'tensor<?x1xi32>'}}
  %y = expert.combine %w, %o : tensor<?x2xf32>, !expert.outputs<@bank> -> tensor<?x8xbf16>
  return
}

// -----

llm.file @f "f" {bytes = 65536 : i64, header_hash = 0 : i64}
llm.expert_bank @bank "experts" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}
llm.expert_bank @other "experts" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}
func.func @g(%x: tensor<?x8xbf16>, %w: tensor<?x2xf32>, %set: !expert.set<@bank>, %slots: !expert.slots<@other>) {
  // expected-error @below {{'set' and 'slots' name the same bank}}
  %o = expert.run %x, %set, %slots
      : tensor<?x8xbf16>, !expert.set<@bank>, !expert.slots<@other> -> !expert.outputs<@bank>
  return
}

// -----

llm.file @f "f" {bytes = 65536 : i64, header_hash = 0 : i64}
llm.expert_bank @bank "experts" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}
expert.pool @pool {budget = 4096 : i64, dtype = bf16, slot_bytes = 768 : i64, slots = 2 : i64}
func.func @load() {
  %set = expert.all : !expert.set<@bank>
  %ticket = expert.fetch %set into @pool : !expert.set<@bank> -> !expert.ticket<@bank>
  %slots = expert.await %ticket : !expert.ticket<@bank> -> !expert.slots<@bank>
  expert.pin %slots at 0 : !expert.slots<@bank>
  return
}
func.func @g() {
  %slots = expert.resident : !expert.slots<@bank>
  // expected-error @below {{releases resident slots}}
  expert.release %slots : !expert.slots<@bank>
  return
}

// -----

llm.file @f "f" {bytes = 65536 : i64, header_hash = 0 : i64}
llm.expert_bank @bank "experts" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}
expert.pool @pool {budget = 4096 : i64, dtype = bf16, slot_bytes = 768 : i64, slots = 2 : i64}
func.func @prefill() {
  %set = expert.all : !expert.set<@bank>
  %ticket = expert.fetch %set into @pool : !expert.set<@bank> -> !expert.ticket<@bank>
  %slots = expert.await %ticket : !expert.ticket<@bank> -> !expert.slots<@bank>
  // expected-error @below {{stands outside @load}}
  expert.pin %slots at 0 : !expert.slots<@bank>
  return
}

// -----

llm.file @f "f" {bytes = 65536 : i64, header_hash = 0 : i64}
llm.expert_bank @bank "experts" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}
expert.pool @pool {budget = 4096 : i64, dtype = bf16, slot_bytes = 768 : i64, slots = 2 : i64}
func.func @load() {
  %set = expert.all : !expert.set<@bank>
  %ticket = expert.fetch %set into @pool : !expert.set<@bank> -> !expert.ticket<@bank>
  %slots = expert.await %ticket : !expert.ticket<@bank> -> !expert.slots<@bank>
  // expected-error @below {{needs slots 1 to 2 of a pool of 2}}
  expert.pin %slots at 1 : !expert.slots<@bank>
  return
}

// -----

llm.file @f "f" {bytes = 65536 : i64, header_hash = 0 : i64}
llm.expert_bank @bank "experts" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}
func.func @load(%slots: !expert.slots<@bank>) {
  // expected-error @below {{needs slots that were fetched from expert.all}}
  expert.pin %slots at 0 : !expert.slots<@bank>
  return
}

// -----

// The second layer starts inside the first.
llm.file @f "f" {bytes = 65536 : i64, header_hash = 0 : i64}
llm.expert_bank @bank "experts" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}
llm.expert_bank @other "experts" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}
expert.pool @pool {budget = 4096 : i64, dtype = bf16, slot_bytes = 768 : i64, slots = 4 : i64}
func.func @load() {
  %set = expert.all : !expert.set<@bank>
  %ticket = expert.fetch %set into @pool : !expert.set<@bank> -> !expert.ticket<@bank>
  %slots = expert.await %ticket : !expert.ticket<@bank> -> !expert.slots<@bank>
  expert.pin %slots at 0 : !expert.slots<@bank>
  %set1 = expert.all : !expert.set<@other>
  %ticket1 = expert.fetch %set1 into @pool : !expert.set<@other> -> !expert.ticket<@other>
  %slots1 = expert.await %ticket1 : !expert.ticket<@other> -> !expert.slots<@other>
  // expected-error @below {{starts at slot 1, but "bank" is pinned up to slot 1}}
  expert.pin %slots1 at 1 : !expert.slots<@other>
  return
}

// -----

// The proof is missing: nothing pins the bank.
llm.file @f "f" {bytes = 65536 : i64, header_hash = 0 : i64}
llm.expert_bank @bank "experts" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}
func.func @decode() {
  // expected-error @below {{@load does not pin @bank}}
  %slots = expert.resident : !expert.slots<@bank>
  return
}

// -----

llm.file @f "f" {bytes = 65536 : i64, header_hash = 0 : i64}
llm.expert_bank @bank "experts" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}
func.func @g(%ids: tensor<?x1xi32>) {
  // expected-error @below {{is part 2 of 2}}
  %set = expert.demand %ids part 2 of 2 : tensor<?x1xi32> -> !expert.set<@bank>
  return
}

// -----

llm.file @f "f" {bytes = 65536 : i64, header_hash = 0 : i64}
llm.expert_bank @bank "experts" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}
func.func @g(%set: !expert.set<@bank>) {
  // expected-error @below {{share is 1.5}}
  %a, %b = expert.split %set share 1.5 : !expert.set<@bank>
  return
}

// -----

llm.file @f "f" {bytes = 65536 : i64, header_hash = 0 : i64}
llm.expert_bank @bank "experts" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}
func.func @g(%x: tensor<?x8xbf16>, %set: !expert.set<@bank>) {
  %fetched, %host = expert.split %set share 0.5 : !expert.set<@bank>
  // expected-error @below {{needs the host's part of an expert.split}}
  %o = expert.run_host %x, %fetched : tensor<?x8xbf16>, !expert.set<@bank> -> !expert.outputs<@bank>
  return
}

// -----

llm.file @f "f" {bytes = 65536 : i64, header_hash = 0 : i64}
llm.expert_bank @bank "experts" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}
func.func @g(%x: tensor<?x6xbf16>, %set: !expert.set<@bank>) {
  %fetched, %host = expert.split %set share 0.5 : !expert.set<@bank>
  // expected-error @below {{rows have 6 features, the bank's experts take 8}}
  %o = expert.run_host %x, %host : tensor<?x6xbf16>, !expert.set<@bank> -> !expert.outputs<@bank>
  return
}

// -----

llm.file @f "f" {bytes = 65536 : i64, header_hash = 0 : i64}
llm.expert_bank @bank "experts" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}
llm.expert_bank @other "experts" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 1 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}
func.func @g(%set: !expert.set<@bank>) {
  // expected-error @below {{predicts up to 3 of 2 experts}}
  %next = expert.predict from %set limit 3 : !expert.set<@bank> -> !expert.set<@other>
  return
}

// -----

llm.file @f "f" {bytes = 65536 : i64, header_hash = 0 : i64}
llm.expert_bank @bank "experts" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}
llm.expert_bank @other "experts" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 1 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}
expert.pool @pool {budget = 4096 : i64, dtype = bf16, slot_bytes = 768 : i64, slots = 2 : i64}
func.func @g(%set: !expert.set<@bank>) {
  // expected-error @below {{needs experts that were predicted: others have a ticket}}
  expert.prefetch %set into @pool : !expert.set<@bank>
  return
}

// -----

llm.file @f "f" {bytes = 65536 : i64, header_hash = 0 : i64}
llm.expert_bank @bank "experts" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}
llm.expert_bank @other "experts" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 1 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}
expert.pool @pool {budget = 4096 : i64, dtype = bf16, slot_bytes = 512 : i64, slots = 2 : i64}
func.func @g(%set: !expert.set<@bank>) {
  %next = expert.predict from %set limit 1 : !expert.set<@bank> -> !expert.set<@other>
  // expected-error @below {{an expert of 768 bytes does not fit a slot of 512}}
  expert.prefetch %next into @pool : !expert.set<@other>
  return
}

// -----

llm.file @f "f" {bytes = 65536 : i64, header_hash = 0 : i64}
llm.expert_bank @bank "experts" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}
llm.expert_bank @other "experts" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 1 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}
func.func @g(%w: tensor<?x1xf32>, %a: !expert.outputs<@bank>, %b: !expert.outputs<@other>) {
  // expected-error @below {{mixes outputs of @bank and @other}}
  %y = expert.combine %w, %a, %b
      : tensor<?x1xf32>, !expert.outputs<@bank>, !expert.outputs<@other> -> tensor<?x8xbf16>
  return
}

// -----

llm.file @f "f" {bytes = 65536 : i64, header_hash = 0 : i64}
llm.expert_bank @bank "experts" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}
func.func @g(%x: tensor<?x8xbf16>, %ids: tensor<?x1xi32>, %w: tensor<?x1xf32>, %slots: !expert.slots<@bank>) {
  %set = expert.demand %ids part 0 of 2 : tensor<?x1xi32> -> !expert.set<@bank>
  %o = expert.run %x, %set, %slots
      : tensor<?x8xbf16>, !expert.set<@bank>, !expert.slots<@bank> -> !expert.outputs<@bank>
  // expected-error @below {{lacks part 1 of 2}}
  %y = expert.combine %w, %o : tensor<?x1xf32>, !expert.outputs<@bank> -> tensor<?x8xbf16>
  return
}

// -----

llm.file @f "f" {bytes = 65536 : i64, header_hash = 0 : i64}
llm.expert_bank @bank "experts" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}
func.func @g(%w: tensor<?x1xf32>, %a: !expert.outputs<@bank>) {
  // expected-error @below {{gives rows of 4 features, the bank's experts give 8}}
  %y = expert.combine %w, %a : tensor<?x1xf32>, !expert.outputs<@bank> -> tensor<?x4xbf16>
  return
}

// -----

llm.file @f "f" {bytes = 65536 : i64, header_hash = 0 : i64}
llm.expert_bank @bank "experts" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}
// expected-error @below {{has the popularity of 3 experts, the bank has 2}}
expert.statistics of @bank popularity [1.0, 0.5, 0.5]

// -----

llm.file @f "f" {bytes = 65536 : i64, header_hash = 0 : i64}
llm.expert_bank @bank "experts" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}
// expected-error @below {{has successor 2 of 2 experts}}
expert.statistics of @bank popularity [1.0, 0.5] successors [0, 2] each 1

// -----

llm.file @f "f" {bytes = 65536 : i64, header_hash = 0 : i64}
llm.expert_bank @bank "experts" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}
// expected-error @below {{has 3 successors, expected 2 for each expert of the layer before}}
expert.statistics of @bank popularity [1.0, 0.5] successors [0, 1, 0] each 2

// -----

llm.file @f "f" {bytes = 65536 : i64, header_hash = 0 : i64}
llm.expert_bank @bank "experts" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}
// expected-error @below {{says of 1 of 2 experts how often they are missed}}
expert.statistics of @bank popularity [1.0, 0.5] missed [0.5]

// -----

llm.file @f "f" {bytes = 65536 : i64, header_hash = 0 : i64}
llm.expert_bank @bank "experts" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}
// expected-error @below {{missed has a number that is not finite and at least 0}}
expert.statistics of @bank popularity [1.0, 0.5] missed [0.5, -0.5]

// -----

llm.file @f "f" {bytes = 65536 : i64, header_hash = 0 : i64}
llm.expert_bank @bank "experts" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}
// expected-error @below {{popularity has a number that is not finite and at least 0}}
expert.statistics of @bank popularity [1.0, -0.5]
