// RUN: sluice-opt %s --insert-expert-transfers=budget=3072 | FileCheck %s --check-prefix=FITS
// RUN: sluice-opt %s --insert-expert-transfers=budget=3071 | FileCheck %s --check-prefix=MOVES
// RUN: sluice-opt %s --insert-expert-transfers=budget=1536 | FileCheck %s --check-prefix=LEAST
// RUN: sluice-opt %s --insert-expert-transfers="budget=3072 dynamic serial max-parts=2" | FileCheck %s --check-prefix=SERIAL
// RUN: not sluice-opt %s --insert-expert-transfers=budget=1535 2>&1 | FileCheck %s --check-prefix=SMALL
// RUN: sluice-opt %s --insert-expert-transfers=budget=3072 -o /dev/null \
// RUN:   --remarks-filter=insert-expert-transfers 2>&1 | FileCheck %s --check-prefix=FITS-COUNT
// RUN: sluice-opt %s --insert-expert-transfers=budget=3071 -o /dev/null \
// RUN:   --remarks-filter=insert-expert-transfers 2>&1 | FileCheck %s --check-prefix=MOVES-COUNT
// RUN: sluice-opt %s --insert-expert-transfers="budget=3071 max-parts=2" -o /dev/null \
// RUN:   --remarks-filter=insert-expert-transfers 2>&1 | FileCheck %s --check-prefix=CAPPED

// Two layers of two experts. A matrix has 8 * 4 bf16 = 64 bytes and starts at a
// multiple of 256: a slot takes 3 * 256 = 768 bytes, all four take 3072, and two,
// the fewest that work, 1536. @prefill has one batch, @decode three: of the two
// layers of both, 2 * 1 + 2 * 3 = 8 fetches, or 2 * 1 + 2 * 2 = 6 in at most two parts.

// FITS-COUNT: fetches=0, pinned=2, pools=1
// MOVES-COUNT: fetches=8, pinned=0, pools=1
// CAPPED-DAG: batches=3, parts=2
// CAPPED-DAG: fetches=6, pinned=0, pools=1

llm.file @f "f" {bytes = 65536 : i64, header_hash = 0 : i64}
llm.expert_bank @a "a" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}
llm.expert_bank @b "b" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 1 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}

// All four experts have a slot: they are fetched once.
// FITS-LABEL: func.func @prefill
// FITS: %[[SET:.*]] = expert.demand %arg1 : tensor<?x1xi32> -> !expert.set<@a>
// FITS-NEXT: %[[SLOTS:.*]] = expert.resident : !expert.slots<@a>
// FITS-NEXT: %[[O:.*]] = expert.run %arg0, %[[SET]], %[[SLOTS]]
// FITS-NEXT: %[[Y:.*]] = expert.combine %arg2, %[[O]]
// FITS-NEXT: %[[SET1:.*]] = expert.demand %arg1 : tensor<?x1xi32> -> !expert.set<@b>
// FITS-NEXT: %[[SLOTS1:.*]] = expert.resident : !expert.slots<@b>
// FITS-NEXT: %[[O1:.*]] = expert.run %[[Y]], %[[SET1]], %[[SLOTS1]]
// FITS-NEXT: expert.combine %arg2, %[[O1]]
// FITS-NOT: expert.fetch
// FITS-NOT: expert.release
// FITS-LABEL: func.func @decode
// FITS: expert.resident : !expert.slots<@a>
// FITS: expert.pool @pool {budget = 3072 : i64, dtype = bf16, slot_bytes = 768 : i64, slots = 4 : i64}
// FITS-LABEL: func.func @load()
// FITS: expert.all : !expert.set<@a>
// FITS-NEXT: expert.fetch {{.*}} into @pool : !expert.set<@a>
// FITS-NEXT: expert.await
// FITS-NEXT: expert.pin {{.*}} at 0 : !expert.slots<@a>
// FITS: expert.pin {{.*}} at 2 : !expert.slots<@b>

// One byte less: the two slots that must be and, of what is left, one more.
// MOVES-LABEL: func.func @prefill
// MOVES: %[[SET:.*]] = expert.demand %arg1 : tensor<?x1xi32> -> !expert.set<@a>
// MOVES-NEXT: %[[TICKET:.*]] = expert.fetch %[[SET]] into @pool
// MOVES-NEXT: %[[SLOTS:.*]] = expert.await %[[TICKET]]
// MOVES-NEXT: %[[O:.*]] = expert.run %arg0, %[[SET]], %[[SLOTS]]
// MOVES-NEXT: expert.combine %arg2, %[[O]]
// MOVES-NEXT: expert.release %[[SLOTS]] :
// Each batch brings its own: a chain ends before the next begins, and the last
// one's slots stay until the sum is made.
// MOVES-LABEL: func.func @decode
// MOVES: %[[SET0:.*]] = expert.demand %arg1 part 0 of 3
// MOVES-NEXT: expert.fetch %[[SET0]] into @pool
// MOVES-NEXT: %[[SLOTS0:.*]] = expert.await
// MOVES-NEXT: %[[O0:.*]] = expert.run %arg0, %[[SET0]], %[[SLOTS0]]
// MOVES-NEXT: expert.release %[[SLOTS0]] :
// MOVES-NEXT: expert.demand %arg1 part 1 of 3
// MOVES: %[[O1:.*]] = expert.run
// MOVES: expert.demand %arg1 part 2 of 3
// MOVES: %[[SLOTS2:.*]] = expert.await
// MOVES-NEXT: %[[O2:.*]] = expert.run
// MOVES-NEXT: expert.combine %arg2, %[[O0]], %[[O1]], %[[O2]]
// MOVES-NEXT: expert.release %[[SLOTS2]] :
// MOVES: expert.pool @pool {budget = 3071 : i64, dtype = bf16, slot_bytes = 768 : i64, slots = 3 : i64}
// MOVES-NOT: @load

// LEAST: expert.pool @pool {budget = 1536 : i64, dtype = bf16, slot_bytes = 768 : i64, slots = 2 : i64}

// The baseline: whole layers, forgotten at once, even where all would fit.
// SERIAL-LABEL: func.func @decode
// SERIAL: expert.demand %arg1 part 0 of 2 whole
// SERIAL: expert.release %{{.*}} forget :
// SERIAL: expert.demand %arg1 part 1 of 2 whole
// SERIAL: expert.release %{{.*}} forget :

// SMALL: error: the expert budget of 1535 bytes does not hold 2 experts at a time, which take 1536

func.func @prefill(%x: tensor<?x8xbf16>, %ids: tensor<?x1xi32>, %w: tensor<?x1xf32>) -> tensor<?x8xbf16> {
  %y = llm.experts %x, %ids, %w, @a : tensor<?x8xbf16>, tensor<?x1xi32>, tensor<?x1xf32>
  %z = llm.experts %y, %ids, %w, @b : tensor<?x8xbf16>, tensor<?x1xi32>, tensor<?x1xf32>
  return %z : tensor<?x8xbf16>
}
func.func @decode(%x: tensor<?x8xbf16>, %ids: tensor<?x1xi32>, %w: tensor<?x1xf32>) -> tensor<?x8xbf16>
    attributes {llm.max_logit_rows = 3 : i64} {
  %y = llm.experts %x, %ids, %w, @a : tensor<?x8xbf16>, tensor<?x1xi32>, tensor<?x1xf32>
  %z = llm.experts %y, %ids, %w, @b : tensor<?x8xbf16>, tensor<?x1xi32>, tensor<?x1xf32>
  return %z : tensor<?x8xbf16>
}
