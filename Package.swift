// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    // `@_lifetime(output: copy output)`: from 6.3 on inferred for an inout span beside another span, in 6.2 to be written.
    .enableExperimentalFeature("Lifetimes"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

let strictC: [CSetting] = [
    .enableWarning("all"),
    .enableWarning("extra"),
    .treatAllWarnings(as: .error),
]

/// A module of the package. Targets are listed bottom up: each may import only what stands above it.
func module(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

/// The tests of one module, in `Tests/<Module>Tests`.
func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: [.byName(name: name), "TestSupport"] + dependencies,
        path: "Tests/\(name)Tests", exclude: exclude, swiftSettings: strict)
}

func debian(_ name: String, _ pkgConfig: String, _ package: String) -> Target {
    .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([package])])
}

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let protobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")

let package = Package(
    name: "swiftlet",
    products: [
        .executable(name: "swiftletd", targets: ["swiftletd"]),
        .executable(name: "swiftlet", targets: ["swiftlet"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.30.0"),
    ],
    targets: [
        .target(name: "CKernels", cSettings: strictC),
        .target(name: "CMosquitto", cSettings: strictC),
        .target(name: "CSHA256", cSettings: strictC),
        .target(name: "CPixels", cSettings: strictC),
        debian("CLibYAML", "yaml-0.1", "libyaml-dev"),
        debian("CTurboJPEG", "libturbojpeg", "libturbojpeg0-dev"),
        debian("CPNG", "libpng", "libpng-dev"),
        debian("CLZ4", "liblz4", "liblz4-dev"),

        module("Threads", []),
        module("Tensors", []),
        module("Answers", []),
        module("Digests", ["CSHA256"]),
        module("JSON", []),
        module("Gating", ["Answers"]),
        module("Networks", ["Tensors", "Digests", "JSON", "Gating"]),
        module("Definitions", ["Tensors", "Networks"]),
        module("Kernels", ["Tensors", "Networks", "CKernels"]),
        module("Inference", ["Tensors", "Networks", "Definitions", "Kernels"]),
        module("Certification", ["Gating"]),
        module("Planning", ["Certification", "Packing"]),
        module("Images", ["Tensors", "CTurboJPEG", "CPNG", "CPixels"]),
        module("Packing", ["Tensors", "CLZ4"]),
        module("Wire", ["Answers", "Tensors", "JSON"]),
        module("Rehearsal", ["Threads"]),
        module("Settings", ["Gating", "Planning", "CLibYAML"]),
        module("Messaging", ["Threads", "Answers", "Settings", "Wire", "CMosquitto"]),
        module("Frames", ["Threads", "Images"]),
        module("Agent", [
            "Threads", "Answers", "Tensors", "Networks", "Inference", "Gating", "Planning", "Images", "Packing", "Wire", "Messaging", "Settings",
            "Frames", logging,
        ]),
        .target(
            name: "ONNXImport", dependencies: ["Tensors", "Networks", "Definitions", protobuf], exclude: ["Onnx.proto"],
            swiftSettings: strict),
        module("Compilation", ["Tensors", "Digests", "Networks", "Definitions", "Kernels", "Inference", "Gating", "Certification", "Images"]),
        module("CloudWorker", [
            "Threads", "Answers", "Tensors", "Networks", "Inference", "Gating", "Images", "Packing", "Wire", "Messaging", "Settings", logging,
        ]),
        module("Demonstration", []),
        .executableTarget(name: "swiftletd", dependencies: ["Threads", "Agent", "Kernels", "Settings", logging], swiftSettings: strict),
        .executableTarget(
            name: "swiftlet",
            dependencies: [
                "Threads", "Agent", "CloudWorker", "Compilation", "ONNXImport", "Inference", "Definitions", "Kernels", "Networks", "Tensors",
                "Answers", "Digests", "Gating", "Certification", "Packing", "Planning", "Images", "Frames", "Messaging", "Rehearsal", "Wire", "Settings", "Demonstration", argumentParser, logging,
            ], swiftSettings: strict),

        .target(name: "TestSupport", dependencies: ["Tensors"], path: "Tests/TestSupport", swiftSettings: strict),
        .target(
            name: "BrokerTestSupport", dependencies: ["TestSupport", "Messaging", "Rehearsal"], path: "Tests/BrokerTestSupport", swiftSettings: strict),
        tests("Tensors", []),
        tests("Digests", []),
        tests("JSON", []),
        tests("Networks", ["Tensors", "JSON", "Gating"]),
        tests("Definitions", ["Tensors", "Networks"]),
        tests("Kernels", ["Tensors", "Networks", "Definitions"]),
        .target(name: "CAllocations", path: "Tests/CAllocations", cSettings: strictC),
        tests("Inference", ["Threads", "Tensors", "Networks", "Definitions", "Kernels", "CAllocations"]),
        tests("Gating", ["Answers"]),
        tests("Certification", ["Gating"]),
        tests("Planning", ["Certification", "Packing"]),
        tests("Images", ["Tensors"]),
        tests("Packing", ["Tensors"]),
        tests("Wire", ["Answers", "Tensors"]),
        tests("Messaging", ["Answers", "Wire", "Rehearsal", "BrokerTestSupport"]),
        tests("Settings", ["Gating", "Packing", "Planning"]),
        tests("Frames", ["Images", "Digests"]),
        tests("Agent", [
            "Answers", "Tensors", "Networks", "Inference", "Gating", "Planning", "Images", "Packing", "Wire", "Messaging", "Settings", "Frames",
            "CloudWorker", "Rehearsal", "BrokerTestSupport", "CAllocations", logging,
        ]),
        tests("ONNXImport", ["Tensors", "Networks", "Definitions", protobuf]),
        tests("Compilation", ["Tensors", "Networks", "Definitions", "Inference", "Gating", "Certification", "Images", "ONNXImport"]),
        tests("CloudWorker", [
            "Answers", "Tensors", "Networks", "Inference", "Images", "Packing", "Wire", "Messaging", "Settings", "Rehearsal", "BrokerTestSupport", logging,
        ], exclude: ["worker.py", "colours.py", "requirements.txt"]),
        tests("Demonstration", []),
        .testTarget(
            name: "CommandTests",
            dependencies: ["TestSupport", "BrokerTestSupport", "Rehearsal", "Messaging", "Tensors", "Networks", "Inference", "Gating", "Certification", "Frames", "Images", "Packing", "Planning", "Compilation", "swiftlet", "swiftletd"],
            path: "Tests/CommandTests", swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
