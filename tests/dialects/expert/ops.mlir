// RUN: sluice-opt %s | sluice-opt | FileCheck %s
// RUN: sluice-opt %s --mlir-print-op-generic | sluice-opt | FileCheck %s

// Every op of the expert dialect, printed and read again.

llm.file @f "f" {bytes = 65536 : i64, header_hash = 0 : i64}
llm.expert_bank @bank "experts" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}

// One expert: three matrices of 64 bytes, each on a multiple of 256.
// CHECK: expert.pool @pool {budget = 4096 : i64, dtype = bf16, slot_bytes = 768 : i64, slots = 2 : i64}
expert.pool @pool {budget = 4096 : i64, dtype = bf16, slot_bytes = 768 : i64, slots = 2 : i64}

// CHECK-LABEL: func.func @load
func.func @load() {
  // CHECK: %[[SET:.*]] = expert.all : !expert.set<@bank>
  %set = expert.all : !expert.set<@bank>
  // CHECK: %[[TICKET:.*]] = expert.fetch %[[SET]] into @pool : !expert.set<@bank> -> !expert.ticket<@bank>
  %ticket = expert.fetch %set into @pool : !expert.set<@bank> -> !expert.ticket<@bank>
  // CHECK: %[[SLOTS:.*]] = expert.await %[[TICKET]] : !expert.ticket<@bank> -> !expert.slots<@bank>
  %slots = expert.await %ticket : !expert.ticket<@bank> -> !expert.slots<@bank>
  // CHECK: expert.pin %[[SLOTS]] at 0 : !expert.slots<@bank>
  expert.pin %slots at 0 : !expert.slots<@bank>
  return
}

// CHECK-LABEL: func.func @resident
func.func @resident(%x: tensor<?x8xbf16>, %ids: tensor<?x2xi32>, %w: tensor<?x2xf32>) -> tensor<?x8xbf16> {
  // CHECK: %[[SET:.*]] = expert.demand %{{.*}} : tensor<?x2xi32> -> !expert.set<@bank>
  %set = expert.demand %ids : tensor<?x2xi32> -> !expert.set<@bank>
  // CHECK: %[[SLOTS:.*]] = expert.resident : !expert.slots<@bank>
  %slots = expert.resident : !expert.slots<@bank>
  // CHECK: expert.run %{{.*}}, %{{.*}}, %[[SET]], %[[SLOTS]] : tensor<?x8xbf16>, tensor<?x2xf32>, !expert.set<@bank>, !expert.slots<@bank>
  %y = expert.run %x, %w, %set, %slots
      : tensor<?x8xbf16>, tensor<?x2xf32>, !expert.set<@bank>, !expert.slots<@bank>
  return %y : tensor<?x8xbf16>
}

// CHECK-LABEL: func.func @moved
func.func @moved(%x: tensor<?x8xf32>, %ids: tensor<?x1xi32>, %w: tensor<?x1xf32>) -> tensor<?x8xf32> {
  %set = expert.demand %ids : tensor<?x1xi32> -> !expert.set<@bank>
  %ticket = expert.fetch %set into @pool : !expert.set<@bank> -> !expert.ticket<@bank>
  %slots = expert.await %ticket : !expert.ticket<@bank> -> !expert.slots<@bank>
  %y = expert.run %x, %w, %set, %slots
      : tensor<?x8xf32>, tensor<?x1xf32>, !expert.set<@bank>, !expert.slots<@bank>
  // CHECK: expert.release %{{.*}} : !expert.slots<@bank>
  expert.release %slots : !expert.slots<@bank>
  return %y : tensor<?x8xf32>
}
