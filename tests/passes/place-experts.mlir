// RUN: sluice-opt %s --split-input-file --place-experts="gpu-budget=805310464 wave=1024" | FileCheck %s
// RUN: sluice-opt %s --split-input-file --place-experts="gpu-budget=805308416" | FileCheck %s --check-prefix=LESS
// RUN: sluice-opt %s --split-input-file --place-experts="gpu-budget=805310464 host-budget=4095 empty" | FileCheck %s --check-prefix=DISK
// RUN: sluice-opt %s --split-input-file --place-experts="gpu-budget=805310464 host-budget=4864 ring=2 empty" | FileCheck %s --check-prefix=ALL
// RUN: sluice-opt %s --split-input-file --place-experts="gpu-budget=805310464 host-budget=4863 ring=2" | FileCheck %s --check-prefix=MORE
// RUN: sluice-opt %s --split-input-file --place-experts="gpu-budget=805308416 host-budget=4095 ring=2 disk-cost=1.5" | FileCheck %s --check-prefix=DEAR
// RUN: sluice-opt %s --split-input-file --place-experts="gpu-budget=805310464 host-budget=4095" -o /dev/null \
// RUN:   --remarks-filter=place-experts 2>&1 | FileCheck %s --check-prefix=COUNT

// Two layers of three experts, 768 bytes each. Beside the slots the plan takes
// 256 of weights, 256 of workspace and the margin of 805306368 (768 MiB):
// 805306880. A budget of 805310464 leaves 3584 bytes: 4 slots. They are filled
// in turn over the layers where nothing is known: experts 0 and 1 of both.
// A budget of 805308416 leaves 1536: the two slots that must be.
//
// The host has 256 bytes of ids and 6 * 768 = 4608 of images. A budget of 4095
// leaves 3839: 4 images, of which 2 make the ring for reads from disk. So 2
// experts live in host memory, 4 on disk.
// COUNT-COUNT-3: disk=4, host=2, resident=4, slots=4
//
// A budget of 4864 leaves 4608, all images; one of a byte less 5, of which 2 are
// the ring.
// ALL-COUNT-6: homes [0, 0, 0]

// CHECK: plan.arena "experts" device size 3072
// CHECK: plan.memory "expert slots" device size 3072
// CHECK: plan.buffer "pool" in %experts[0, 3072]
// CHECK: plan.expert_pool "pool" in %pool slots 4 of 768 wave 1024 host
// CHECK: plan.expert_bank "a" {{.*}} homes [0, 0, 0] resident [0, 1]
// CHECK: plan.expert_bank "b" {{.*}} homes [0, 0, 0] resident [0, 1]
// LESS: slots 2 of 768 wave 33554432
// LESS: plan.expert_bank "a" {{.*}} resident [0]
// LESS: plan.expert_bank "b" {{.*}} resident [0]
// DISK: plan.arena "images" host size 1536
// DISK: plan.arena "ring" host size 1536
// DISK: plan.memory "ring for disk reads" host size 1536
// DISK: plan.expert_pool "pool" {{.*}} host %{{.*}} bounce %
// DISK: plan.expert_bank "a" {{.*}} homes [0, 1, 1] resident []
// DISK: plan.expert_bank "b" {{.*}} homes [0, 1, 1] resident []
//
// Where a miss from the disk costs half as much again, the two slots are for
// those on disk where nothing is known, in turn over the layers: a1 and b1.
// DEAR: plan.expert_pool "pool" {{.*}} disk_cost 1.5
// DEAR: plan.expert_bank "a" {{.*}} homes [0, 1, 1] resident [1]
// DEAR: plan.expert_bank "b" {{.*}} homes [0, 1, 1] resident [1]
%weights = plan.arena "weights" device size 256
%experts = plan.arena "experts" device size 1536
%workspace = plan.arena "workspace" device size 256
%io = plan.arena "io" host size 256
%images = plan.arena "images" host size 4608
%file = plan.file "f" size 65536 hash 0
%norm = plan.buffer "norm" in %weights[0, 256] : f32
%slots = plan.buffer "pool" in %experts[0, 1536] : bf16
%host = plan.buffer "pool.images" in %images[0, 4608] : bf16
%x = plan.buffer "x" in %workspace[0, 256] : f32
%ids = plan.buffer "ids" in %io[0, 256] : i32
%sa = plan.source "a" from %file ranges [[0, 0, 0, 192], [0, 192, 768, 192], [0, 384, 1536, 192]]
%sb = plan.source "b" from %file ranges [[0, 576, 0, 192], [0, 768, 768, 192], [0, 960, 1536, 192]]
%pool = plan.expert_pool "pool" in %slots slots 2 of 768 wave 768 host %host
%a = plan.expert_bank "a" layer 0 in %pool from %sa experts 3 top_k 1 hidden 8 inner 4
    parts [0, 128, 256] homes [0, 0, 0] resident []
%b = plan.expert_bank "b" layer 1 in %pool from %sb experts 3 top_k 1 hidden 8 inner 4
    parts [0, 128, 256] homes [0, 0, 0] resident []

// -----

// The same, with popularity: the most popular are b2, a1, b0, a2.
// CHECK: slots 4 of 768
// CHECK: plan.expert_bank "a" {{.*}} resident [1, 2]
// CHECK: plan.expert_bank "b" {{.*}} resident [2, 0]
// LESS: plan.expert_bank "a" {{.*}} resident [1]
// LESS: plan.expert_bank "b" {{.*}} resident [2]
// DISK: plan.expert_bank "a" {{.*}} homes [1, 0, 1]
// DISK: plan.expert_bank "b" {{.*}} homes [1, 1, 0]
// b0, on disk, counts as 0.6, as much as b2, and a1, in host memory, as 0.5.
// DEAR: plan.expert_bank "a" {{.*}} homes [1, 0, 1] resident []
// DEAR: plan.expert_bank "b" {{.*}} homes [1, 1, 0] resident [0, 2]
%weights = plan.arena "weights" device size 256
%experts = plan.arena "experts" device size 1536
%workspace = plan.arena "workspace" device size 256
%io = plan.arena "io" host size 256
%images = plan.arena "images" host size 4608
%file = plan.file "f" size 65536 hash 0
%norm = plan.buffer "norm" in %weights[0, 256] : f32
%slots = plan.buffer "pool" in %experts[0, 1536] : bf16
%host = plan.buffer "pool.images" in %images[0, 4608] : bf16
%x = plan.buffer "x" in %workspace[0, 256] : f32
%ids = plan.buffer "ids" in %io[0, 256] : i32
%sa = plan.source "a" from %file ranges [[0, 0, 0, 192], [0, 192, 768, 192], [0, 384, 1536, 192]]
%sb = plan.source "b" from %file ranges [[0, 576, 0, 192], [0, 768, 768, 192], [0, 960, 1536, 192]]
%pool = plan.expert_pool "pool" in %slots slots 2 of 768 wave 768 host %host
%a = plan.expert_bank "a" layer 0 in %pool from %sa experts 3 top_k 1 hidden 8 inner 4
    parts [0, 128, 256] homes [0, 0, 0] resident [] popularity [0.1, 0.5, 0.3]
%b = plan.expert_bank "b" layer 1 in %pool from %sb experts 3 top_k 1 hidden 8 inner 4
    parts [0, 128, 256] homes [0, 0, 0] resident [] popularity [0.4, 0.0, 0.6]

// -----

// The same, and it is known what a step misses. Popularity decides what is in
// slots at first: b2, a1, b0, a2 again. In host memory are the two that are
// missed most: b0, also where it has a slot at first, and a2. a0 and b1 are
// missed as often as each other, a1 and b2 never: they are read from disk.
// CHECK: slots 4 of 768
// CHECK: plan.expert_bank "a" {{.*}} resident [1, 2]
// CHECK: plan.expert_bank "b" {{.*}} resident [2, 0]
// DISK: plan.expert_bank "a" {{.*}} homes [1, 1, 0]
// DISK: plan.expert_bank "b" {{.*}} homes [0, 1, 1]
// Room for one image more: of a0 and b1 the more popular.
// MORE: plan.expert_bank "a" {{.*}} homes [0, 1, 0]
// MORE: plan.expert_bank "b" {{.*}} homes [0, 1, 1]
// b2 counts as 0.9, a1 as 0.75; b0, which lives in host memory, as 0.4.
// DEAR: plan.expert_bank "a" {{.*}} resident [1]
// DEAR: plan.expert_bank "b" {{.*}} resident [2]
%weights = plan.arena "weights" device size 256
%experts = plan.arena "experts" device size 1536
%workspace = plan.arena "workspace" device size 256
%io = plan.arena "io" host size 256
%images = plan.arena "images" host size 4608
%file = plan.file "f" size 65536 hash 0
%norm = plan.buffer "norm" in %weights[0, 256] : f32
%slots = plan.buffer "pool" in %experts[0, 1536] : bf16
%host = plan.buffer "pool.images" in %images[0, 4608] : bf16
%x = plan.buffer "x" in %workspace[0, 256] : f32
%ids = plan.buffer "ids" in %io[0, 256] : i32
%sa = plan.source "a" from %file ranges [[0, 0, 0, 192], [0, 192, 768, 192], [0, 384, 1536, 192]]
%sb = plan.source "b" from %file ranges [[0, 576, 0, 192], [0, 768, 768, 192], [0, 960, 1536, 192]]
%pool = plan.expert_pool "pool" in %slots slots 2 of 768 wave 768 host %host
%a = plan.expert_bank "a" layer 0 in %pool from %sa experts 3 top_k 1 hidden 8 inner 4
    parts [0, 128, 256] homes [0, 0, 0] resident [] popularity [0.1, 0.5, 0.3] missed [0.1, 0.0, 0.2]
%b = plan.expert_bank "b" layer 1 in %pool from %sb experts 3 top_k 1 hidden 8 inner 4
    parts [0, 128, 256] homes [0, 0, 0] resident [] popularity [0.4, 0.0, 0.6] missed [0.4, 0.1, 0.0]
