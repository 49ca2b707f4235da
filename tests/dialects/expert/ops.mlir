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
  // CHECK: %[[OUT:.*]] = expert.run %{{.*}}, %[[SET]], %[[SLOTS]] : tensor<?x8xbf16>, !expert.set<@bank>, !expert.slots<@bank> -> !expert.outputs<@bank>
  %o = expert.run %x, %set, %slots
      : tensor<?x8xbf16>, !expert.set<@bank>, !expert.slots<@bank> -> !expert.outputs<@bank>
  // CHECK: expert.combine %{{.*}}, %[[OUT]] : tensor<?x2xf32>, !expert.outputs<@bank> -> tensor<?x8xbf16>
  %y = expert.combine %w, %o : tensor<?x2xf32>, !expert.outputs<@bank> -> tensor<?x8xbf16>
  return %y : tensor<?x8xbf16>
}

// CHECK-LABEL: func.func @moved
func.func @moved(%x: tensor<?x8xf32>, %ids: tensor<?x1xi32>, %w: tensor<?x1xf32>) -> tensor<?x8xf32> {
  %set = expert.demand %ids : tensor<?x1xi32> -> !expert.set<@bank>
  %ticket = expert.fetch %set into @pool : !expert.set<@bank> -> !expert.ticket<@bank>
  %slots = expert.await %ticket : !expert.ticket<@bank> -> !expert.slots<@bank>
  %o = expert.run %x, %set, %slots
      : tensor<?x8xf32>, !expert.set<@bank>, !expert.slots<@bank> -> !expert.outputs<@bank>
  %y = expert.combine %w, %o : tensor<?x1xf32>, !expert.outputs<@bank> -> tensor<?x8xf32>
  // CHECK: expert.release %{{.*}} : !expert.slots<@bank>
  expert.release %slots : !expert.slots<@bank>
  return %y : tensor<?x8xf32>
}

// CHECK: expert.statistics of @bank popularity [5.000000e-01, 1.500000e+00]
expert.statistics of @bank popularity [0.5, 1.5]
// CHECK: expert.statistics of @bank popularity [5.000000e-01, 1.500000e+00] successors [1, 0, 0, 1] each 2
expert.statistics of @bank popularity [0.5, 1.5] successors [1, 0, 0, 1] each 2
// CHECK: expert.statistics of @bank popularity [5.000000e-01, 1.500000e+00] missed [2.500000e-01, 0.000000e+00]
expert.statistics of @bank popularity [0.5, 1.5] missed [0.25, 0.0]

// Two batches, the second of which shares its misses with the CPU.
// CHECK-LABEL: func.func @batches
func.func @batches(%x: tensor<?x8xbf16>, %ids: tensor<?x1xi32>, %w: tensor<?x1xf32>) -> tensor<?x8xbf16> {
  // CHECK: expert.demand %{{.*}} part 0 of 2 whole : tensor<?x1xi32> -> !expert.set<@bank>
  %set0 = expert.demand %ids part 0 of 2 whole : tensor<?x1xi32> -> !expert.set<@bank>
  %ticket0 = expert.fetch %set0 into @pool : !expert.set<@bank> -> !expert.ticket<@bank>
  %slots0 = expert.await %ticket0 : !expert.ticket<@bank> -> !expert.slots<@bank>
  %o0 = expert.run %x, %set0, %slots0
      : tensor<?x8xbf16>, !expert.set<@bank>, !expert.slots<@bank> -> !expert.outputs<@bank>
  // CHECK: expert.release %{{.*}} forget : !expert.slots<@bank>
  expert.release %slots0 forget : !expert.slots<@bank>
  // CHECK: %[[SET1:.*]] = expert.demand %{{.*}} part 1 of 2 : tensor<?x1xi32> -> !expert.set<@bank>
  %set1 = expert.demand %ids part 1 of 2 : tensor<?x1xi32> -> !expert.set<@bank>
  // CHECK: %[[FETCHED:.*]], %[[HOST:.*]] = expert.split %[[SET1]] share 2.500000e-01 : !expert.set<@bank>
  %fetched, %host = expert.split %set1 share 0.25 : !expert.set<@bank>
  %ticket1 = expert.fetch %fetched into @pool : !expert.set<@bank> -> !expert.ticket<@bank>
  // CHECK: expert.run_host %{{.*}}, %[[HOST]] : tensor<?x8xbf16>, !expert.set<@bank> -> !expert.outputs<@bank>
  %h = expert.run_host %x, %host : tensor<?x8xbf16>, !expert.set<@bank> -> !expert.outputs<@bank>
  %slots1 = expert.await %ticket1 : !expert.ticket<@bank> -> !expert.slots<@bank>
  %o1 = expert.run %x, %fetched, %slots1
      : tensor<?x8xbf16>, !expert.set<@bank>, !expert.slots<@bank> -> !expert.outputs<@bank>
  // CHECK: %[[NEXT:.*]] = expert.predict from %[[SET1]] limit 2 : !expert.set<@bank> -> !expert.set<@bank>
  %next = expert.predict from %set1 limit 2 : !expert.set<@bank> -> !expert.set<@bank>
  // CHECK: expert.prefetch %[[NEXT]] into @pool : !expert.set<@bank>
  expert.prefetch %next into @pool : !expert.set<@bank>
  // CHECK: expert.combine %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} : tensor<?x1xf32>, !expert.outputs<@bank>, !expert.outputs<@bank>, !expert.outputs<@bank> -> tensor<?x8xbf16>
  %y = expert.combine %w, %o0, %o1, %h
      : tensor<?x1xf32>, !expert.outputs<@bank>, !expert.outputs<@bank>, !expert.outputs<@bank> -> tensor<?x8xbf16>
  expert.release %slots1 : !expert.slots<@bank>
  return %y : tensor<?x8xbf16>
}
