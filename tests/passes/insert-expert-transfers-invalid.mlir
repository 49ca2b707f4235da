// RUN: sluice-opt %s --insert-expert-transfers=budget=1536 --verify-diagnostics

// A module within the module has banks of its own: no pool is theirs.
llm.file @f "f" {bytes = 65536 : i64, header_hash = 0 : i64}
llm.expert_bank @bank "experts" {
  dtype = bf16, experts = 1 : i64, file_of = array<i32: 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64, offsets = array<i64: 0, 64, 128>}
module {
  llm.file @f "f" {bytes = 65536 : i64, header_hash = 0 : i64}
  llm.expert_bank @other "experts" {
    dtype = bf16, experts = 1 : i64, file_of = array<i32: 0, 0, 0>, files = [@f],
    hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64, offsets = array<i64: 0, 64, 128>}
  func.func @decode(%x: tensor<?x8xbf16>, %i: tensor<?x1xi32>, %w: tensor<?x1xf32>) {
    // expected-error @below {{stands in a module of its own, which has no pool}}
    %y = llm.experts %x, %i, %w, @other : tensor<?x8xbf16>, tensor<?x1xi32>, tensor<?x1xf32>
    return
  }
}
