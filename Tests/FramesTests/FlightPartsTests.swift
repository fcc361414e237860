// SPDX-License-Identifier: Apache-2.0

import Frames
import Testing

@Suite struct FlightPartsTests {
    @Test func generatorEqualsItsReferenceImplementation() {
        // The first outputs of Vigna's splitmix64.c for the seed 1234567.
        var random = SplitMix64(seed: 1_234_567)
        #expect(random.next() == 6_457_827_717_110_365_317)
        #expect(random.next() == 3_203_168_211_198_807_973)
        #expect(random.next() == 9_817_491_932_198_370_423)
    }

    @Test func portableFunctionsAreCloseToTheTrueOnes() {
        let sines = [
            (0.0, 0.0), (0.5, 0.479425538604203), (1.5, 0.997494986604054), (-2, -0.909297426825682),
            (10, -0.544021110889370),
        ]
        for (angle, sine) in sines { #expect(abs(Portable.sin(angle) - sine) < 1e-8) }
        #expect(abs(Portable.cos(1) - 0.540302305868140) < 1e-8)
        for (x, power) in [(0.0, 1.0), (1, 2.718281828459045), (-2, 0.135335283236613)] {
            #expect(abs(Portable.exp(x) / power - 1) < x * x / 8000 + 1e-12)
        }
    }

    /// The sum of what a shape in white leaves on a black canvas, in pixels.
    private func area(_ draw: (inout Canvas) -> Void) -> Float {
        var canvas = Canvas()
        draw(&canvas)
        return canvas.pixels.reduce(0) { $0 + $1.x }
    }

    @Test func shapesCoverTheirArea() {
        let white = SIMD4<Float>(1, 1, 1, 1)
        let line = area { canvas in
            canvas.line(from: SIMD2(20.3, 40.2), to: SIMD2(60.3, 40.2), startRadius: 0.2, endRadius: 0.2) { _, _ in white }
        }
        #expect(abs(line - 40 * 0.4) < 1)
        for (a, b) in [(0.3, 0.3), (2, 1.2), (9.5, 6.25)] as [(Float, Float)] {
            let ellipse = area { canvas in
                canvas.ellipse(centre: SIMD2(48.3, 47.9), radii: SIMD2(a, b), outline: { _ in 0 }, paint: { _ in white })
            }
            #expect(abs(ellipse - .pi * a * b) < 0.1 * .pi * a * b + 0.3, "\(a) x \(b)")
        }
        let square = [SIMD2<Float>(10.25, 10.5), SIMD2(30.75, 10.5), SIMD2(30.75, 25.25), SIMD2(10.25, 25.25)]
        let polygon = area { $0.polygon(square) { _, _ in white } }
        #expect(abs(polygon - 20.5 * 14.75) < 0.5)
    }

    @Test func shapesBeyondTheFrameLeaveIt() {
        let white = SIMD4<Float>(1, 1, 1, 1)
        let nothing = area { canvas in
            canvas.ellipse(centre: SIMD2(-400, 20), radii: SIMD2(30, 30), outline: { _ in 0 }, paint: { _ in white })
            canvas.line(from: SIMD2(10, 200), to: SIMD2(90, 300), startRadius: 3, endRadius: 3) { _, _ in white }
            canvas.polygon([SIMD2(-9, -9), SIMD2(-5, -9), SIMD2(-5, -5)]) { _, _ in white }
        }
        #expect(nothing == 0)
    }

    @Test func aViewpointProjectsWhereItsRaysGo() {
        let view = Viewpoint(position: SIMD3(1, 5, 3), pitch: 0.3, yaw: -0.1, roll: 0.2)
        for (x, y) in [(0, 0), (48, 48), (90, 13)] as [(Float, Float)] {
            let seen = view.project(view.position + view.ray(x, y) * 0.4)
            #expect(abs(seen.point.x - x) < 1e-2 && abs(seen.point.y - y) < 1e-2)
            #expect(abs(seen.depth - 0.4 * Viewpoint.focalLength) < 1e-3)
        }
    }

    @Test func whatIsNamedIsDrawnAndClearIsEmpty() {
        for obstacle in Obstacle.allCases {
            for seed in 40..<43 as Range<UInt64> {
                let encounter = Encounter(obstacle: obstacle, seed: seed)
                let time = encounter.duration * 0.9
                let truth = encounter.truth(at: time)
                let with = encounter.render(at: time), without = encounter.render(at: time, isWhole: false)
                let changed = stride(from: 0, to: with.count, by: 3).count { with[$0..<$0 + 3] != without[$0..<$0 + 3] }
                if truth.obstacle == .clear {
                    #expect(changed == 0, "\(obstacle.label), seed \(seed)")
                } else {
                    #expect(Double(changed) > truth.size, "\(obstacle.label), seed \(seed)")
                }
            }
        }
    }
}
