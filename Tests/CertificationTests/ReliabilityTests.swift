// SPDX-License-Identifier: Apache-2.0
import Certification
import Gating
import Testing

struct ReliabilityTests {
    @Test func binsHoldTheirUpperEnds() {
        for number in [1, 3, 7, 10, 15, 49] {
            let edges = (0...number).map { Double($0) / Double(number) }
            let samples = edges.flatMap { [sample($0), sample($0.nextUp), sample($0.nextDown)] }
            let reliability = Reliability(samples, bins: number)
            #expect(reliability.count == samples.count - 2)
            for (index, bin) in reliability.bins.enumerated() {
                // The edge and what is just below at the top, what is just above at the bottom; the first holds 0 too.
                #expect(bin.count == (index == 0 ? 4 : 3), "\(index) of \(number)")
                #expect(bin.range == edges[index]...edges[index + 1])
            }
        }
    }

    @Test func theErrorIsTheWeightedGapBetweenConfidenceAndAccuracy() {
        // Bin (0.4, 0.6]: four of 0.5, one right: gap 0.25; bin (0.8, 1]: six of 0.9, all right: gap 0.1.
        let samples = (0..<4).map { sample(0.5, harm: $0 > 0) } + (0..<6).map { _ in sample(0.9) }
        let reliability = Reliability(samples, bins: 5)
        #expect(abs(reliability.expectedCalibrationError - (0.4 * 0.25 + 0.6 * 0.1)) < 1e-15)
        #expect(reliability.bins.map(\.count) == [0, 0, 4, 0, 6])
        #expect(reliability.bins[2].accuracy == 0.25 && reliability.bins[2].meanConfidence == 0.5)
        #expect(reliability.bins[0].accuracy == nil && reliability.bins[0].meanConfidence == nil)
    }

    @Test func whatIsNoProbabilityIsInNoBin() {
        let samples = [.nan, -0.1, 1.1, .infinity, -.infinity].map { sample($0) } + [PairedSample(confidence: nil, fullClass: 0, label: 0)]
        #expect(Reliability(samples).count == 0)
        #expect(Reliability(samples).expectedCalibrationError == 0)
        #expect(Reliability([]).bins.count == 15)
    }
}
