// SPDX-License-Identifier: Apache-2.0
import Inference
import Testing

struct PartitionTests {
    @Test(arguments: 1...9) func everyUnitIsInExactlyOnePartThatBeginsWhereItMay(threads: Int) {
        for (units, alignment) in [(0, 1), (1, 1), (7, 1), (14, 2), (15, 2), (64, 64), (1000, 64), (1001, 128), (56, 5)] {
            for images in 1...3 {
                for nanoseconds in [0.0, 500, 3000, 1e6] {
                    let partition = Partition(images: images, units: units, alignment: alignment, nanoseconds: nanoseconds, threads: threads)
                    for image in 0..<images {
                        let ranges = (0..<partition.parts).map { partition.units($0..<$0 + 1, image: image) }.filter { !$0.isEmpty }
                        #expect(ranges.flatMap { Array($0) } == Array(0..<units))
                        #expect(ranges.allSatisfy { $0.lowerBound % alignment == 0 })
                    }
                }
            }
        }
    }

    @Test func oneThreadHasOnePartAnImage() {
        #expect(Partition(images: 2, units: 112, nanoseconds: 1e6, threads: 1).parts == 2)
    }

    @Test func threadsGetEqualShares() {
        for (units, threads) in [(7, 2), (14, 2), (28, 2), (56, 4), (112, 3), (16, 8)] {
            let partition = Partition(units: units, nanoseconds: 1e6, threads: threads)
            let most = (partition.parts + threads - 1) / threads * partition.unitsPerPart
            #expect(most == (units + threads - 1) / threads, "\(units) rows, \(threads) threads")
        }
    }

    @Test func whatTakesNoTimeIsDividedOnceAThreadAtMost() {
        #expect(Partition(units: 1000, nanoseconds: 100, threads: 4).parts == 4)
    }
}
