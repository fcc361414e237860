// SPDX-License-Identifier: Apache-2.0
import CAllocations
import Inference
import Networks
import Tensors
import TestSupport
import Testing
import Threads

struct ExecutorMemoryTests {
    @Test func theCounterSeesAllocations() {
        let before = allocations_of_this_thread()
        let array = [Int](repeating: 1, count: Int.random(in: 100...200))
        #expect(array.reduce(0, +) > 0)
        #expect(allocations_of_this_thread() > before)
    }

    @Test func theCounterSeesAllocationsOfAdoptedThreads() throws {
        begin_adopting()
        let thread = try WorkerThread("adopted") {
            let array = [Int](repeating: 1, count: Int.random(in: 100...200))
            #expect(array.reduce(0, +) > 0)
        }
        end_adopting()
        #expect(thread.join(timeout: .seconds(10)))
        #expect(adopted_threads() == 1 && allocations_of_adopted_threads() > 0)
    }

    /// Of the thread that runs the network, nor of those that help it.
    @Test(arguments: [false, true], [1, 2, 3]) func runsReserveNoMemory(isQuantized: Bool, threads: Int) throws {
        var checked = 0
        for seed in 0..<40 as Range<UInt64> {
            var network = try RandomNetwork(seed: 500 + seed, isQuantized: isQuantized)
            begin_adopting()
            let executor = try Executor(network.graph, options: ExecutorOptions(threads: threads, barrier: .zero))
            end_adopting()
            #expect(adopted_threads() == threads - 1)
            guard executor.plan.allSatisfy({ !$0.isDefinition }) else { continue }
            let input = network.inputs()[0].floats
            // OpenBLAS reserves its work buffer on a thread's first product.
            try executor.run(input: input.span)
            let before = allocations_of_this_thread()
            let helpersBefore = allocations_of_adopted_threads()
            try executor.run(input: input.span)
            let sum = executor.withOutput { $0[0] }
            #expect(allocations_of_this_thread() == before, "seed \(500 + seed), \(executor.plan.map(\.kernel))")
            #expect(allocations_of_adopted_threads() == helpersBefore, "seed \(500 + seed)")
            #expect(!sum.isNaN)
            checked += 1
        }
        #expect(checked > 20)
    }

    @Test func aRunOnPixelsReservesNoMemory() throws {
        for isQuantized in [false, true] {
            let network = try PixelNetwork(isQuantized: isQuantized)
            let executor = try Executor(network.graph, preprocessing: network.preprocessing)
            let pixels = network.pixels
            try executor.run(pixels: pixels.span)
            let before = allocations_of_this_thread()
            try executor.run(pixels: pixels.span)
            #expect(allocations_of_this_thread() == before)
        }
    }

    @Test func activationsShareTheArena() throws {
        var builder = NetworkBuilder(seed: 1, isQuantized: false)
        var x = try builder.input([1, 16, 32, 32])
        let window = Window(size: [3, 3], padsBefore: [1, 1], padsAfter: [1, 1])
        for _ in 0..<10 { x = try builder.convolution(x, Convolution(window: window), outputs: 16) }
        builder.graph.outputs = [try builder.apply(.mean(axes: [2, 3], keepsDimensions: false), [x])]
        let executor = try Executor(builder.graph)
        #expect(executor.arenaBytes <= 2 * 16 * 32 * 32 * 4 + 1024)
    }

    @Test(arguments: Architecture.allCases) func theArenaIsHardlyLargerThanWhatIsAliveAtOnce(_ architecture: Architecture) throws {
        let executor = try Executor(architecture.graph(seed: 5))
        #expect(executor.leastArenaBytes > 0 && executor.arenaBytes >= executor.leastArenaBytes)
        #expect(Double(executor.arenaBytes) <= 1.05 * Double(executor.leastArenaBytes), "\(executor.arenaBytes), \(executor.leastArenaBytes)")
    }

    @Test func thereAreAsManyLanesAsTheLimitHasRoomFor() throws {
        let network = try RandomNetwork(seed: 3, isQuantized: false)
        func executor(_ limit: Int) throws -> Executor { try Executor(network.graph, options: ExecutorOptions(lanes: 8, memoryLimit: limit)) }
        var (refused, least) = (0, 1 << 30)
        while least - refused > 1 {
            let limit = (refused + least) / 2
            if (try? executor(limit)) == nil { refused = limit } else { least = limit }
        }
        let arena = try executor(least).arenaBytes
        for (limit, lanes) in [(least, 1), (least + arena - 1, 1), (least + arena, 2), (least + 2 * arena, 3), (1 << 30, 8)] {
            #expect(try executor(limit).lanes == lanes)
        }
    }

    @Test func aNetworkBeyondTheLimitIsRefused() throws {
        let network = try RandomNetwork(seed: 3, isQuantized: false)
        let error = #expect(throws: InferenceError.self) {
            try Executor(network.graph, options: ExecutorOptions(memoryLimit: 100))
        }
        #expect(error?.code == .memory)
    }
}

/// A network behind preprocessing.
struct PixelNetwork {
    var graph: Graph
    let preprocessing = Preprocessing(
        width: 20, height: 14, channelOrder: .bgr, scale: 1 / 255.0, mean: [0.4, 0.5, 0.3], deviation: [0.25, 0.2, 0.3])
    let pixels: [UInt8]

    init(isQuantized: Bool) throws {
        var builder = NetworkBuilder(seed: 77, isQuantized: isQuantized)
        let input = try builder.input([1, 3, 14, 20])
        let x = try builder.convolution(
            input, Convolution(window: Window(size: [3, 3], strides: [2, 2], padsBefore: [1, 1], padsAfter: [1, 1]), activation: .relu), outputs: 9)
        let flat = try builder.move(.reshape, x, shape: [1, builder.graph[x].shape.elementCount])
        builder.graph.outputs = [try builder.gemm(flat, outputs: 5, isFloat: true)]
        graph = builder.graph
        var random = SeededGenerator(seed: 78)
        pixels = (0..<14 * 20 * 3).map { _ in UInt8.random(in: 0...255, using: &random) }
    }

    /// The float input that the pixels stand for, `[1, 3, 14, 20]`.
    var input: Tensor {
        Tensor(
            shape: [1, 3, 14, 20],
            (0..<3).flatMap { channel in (0..<14 * 20).map { preprocessing.table(channel: channel)[Int(pixels[$0 * 3 + channel])] } })
    }
}
