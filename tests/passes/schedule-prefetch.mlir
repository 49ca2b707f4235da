// RUN: sluice-opt %s --insert-expert-transfers="budget=3072 dynamic" --merge-expert-io --schedule-prefetch=limit=8 | FileCheck %s
// RUN: sluice-opt %s --insert-expert-transfers="budget=3072 dynamic" --merge-expert-io --schedule-prefetch=limit=1 | FileCheck %s --check-prefix=ONE
// RUN: sluice-opt %s --insert-expert-transfers="budget=3072 dynamic" --merge-expert-io --schedule-prefetch=limit=8 -o /dev/null \
// RUN:   --remarks-filter=schedule-prefetch 2>&1 | FileCheck %s --check-prefix=COUNT
// RUN: sluice-opt %s --insert-expert-transfers="budget=3072 dynamic" --merge-expert-io --schedule-prefetch -o /dev/null \
// RUN:   --remarks-filter=schedule-prefetch 2>&1 | FileCheck %s --check-prefix=OFF
// RUN: not sluice-opt %s --schedule-prefetch=limit=-1 2>&1 | FileCheck %s --check-prefix=WRONG

// @decode has two layers, so one of them can be foreseen; @prefill has one. Up
// to 8 experts are asked for; the pool has 4 slots, of which half may hold what
// nobody has demanded yet: 2.
// COUNT: prefetches=1, without_room=0
// OFF: prefetches=0, without_room=1
// WRONG: error: the prefetch limit is -1, expected at least 0

llm.file @f "f" {bytes = 65536 : i64, header_hash = 0 : i64}
llm.expert_bank @a "a" {
  dtype = bf16, experts = 4 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320, 384, 448, 512, 576, 640, 704>}
llm.expert_bank @b "b" {
  dtype = bf16, experts = 4 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 1 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320, 384, 448, 512, 576, 640, 704>}

// CHECK-LABEL: func.func @prefill
// CHECK-NOT: expert.predict
// CHECK-LABEL: func.func @decode
// CHECK-NEXT: %[[SET:.*]] = expert.demand %arg1 : tensor<?x1xi32> -> !expert.set<@a>
// CHECK: %[[O:.*]] = expert.run %arg0, %[[SET]],
// CHECK-NEXT: %[[NEXT:.*]] = expert.predict from %[[SET]] limit 2 : !expert.set<@a> -> !expert.set<@b>
// CHECK-NEXT: expert.prefetch %[[NEXT]] into @pool : !expert.set<@b>
// CHECK-NEXT: expert.combine %arg2, %[[O]]
// CHECK-NOT: expert.predict
// ONE: expert.predict from %{{.*}} limit 1
func.func @prefill(%x: tensor<?x8xbf16>, %ids: tensor<?x1xi32>, %w: tensor<?x1xf32>) -> tensor<?x8xbf16>
    attributes {llm.max_logit_rows = 4 : i64} {
  %y = llm.experts %x, %ids, %w, @a : tensor<?x8xbf16>, tensor<?x1xi32>, tensor<?x1xf32>
  return %y : tensor<?x8xbf16>
}
func.func @decode(%x: tensor<?x8xbf16>, %ids: tensor<?x1xi32>, %w: tensor<?x1xf32>) -> tensor<?x8xbf16>
    attributes {llm.max_logit_rows = 4 : i64} {
  %y = llm.experts %x, %ids, %w, @a : tensor<?x8xbf16>, tensor<?x1xi32>, tensor<?x1xf32>
  %z = llm.experts %y, %ids, %w, @b : tensor<?x8xbf16>, tensor<?x1xi32>, tensor<?x1xf32>
  return %z : tensor<?x8xbf16>
}
