"""What the null device takes for facts of CUDA, against NVIDIA's own header packages.

The packages come from PyPI, a few MB each, into the user's cache; without them the tests are skipped.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from support import ROOT

PRINTER = ROOT / "build" / "release" / "bin" / "print_null_facts"
PACKAGES = {"12.4": "nvidia-cuda-runtime-cu12==12.4.127", "12.8": "nvidia-cuda-runtime-cu12==12.8.90",
            "13.2": "nvidia-cuda-runtime==13.2.*"}
SIZES = {"char": 1, "int": 4, "unsigned int": 4, "size_t": 8, "cudaUUID_t": 16}
#: What CUDA calls the attribute of a field: mostly the field's own name in other words.
ATTRIBUTES = {"sharedMemPerBlock": "MaxSharedMemoryPerBlock", "regsPerBlock": "MaxRegistersPerBlock", "warpSize": "WarpSize",
              "memPitch": "MaxPitch", "maxThreadsPerBlock": "MaxThreadsPerBlock", "clockRate": "ClockRate",
              "totalConstMem": "TotalConstantMemory", "major": "ComputeCapabilityMajor", "minor": "ComputeCapabilityMinor",
              "textureAlignment": "TextureAlignment", "texturePitchAlignment": "TexturePitchAlignment",
              "multiProcessorCount": "MultiProcessorCount", "canMapHostMemory": "CanMapHostMemory",
              "surfaceAlignment": "SurfaceAlignment", "concurrentKernels": "ConcurrentKernels", "pciBusID": "PciBusId",
              "asyncEngineCount": "AsyncEngineCount", "unifiedAddressing": "UnifiedAddressing",
              "memoryClockRate": "MemoryClockRate", "memoryBusWidth": "GlobalMemoryBusWidth", "l2CacheSize": "L2CacheSize",
              "maxThreadsPerMultiProcessor": "MaxThreadsPerMultiProcessor",
              "streamPrioritiesSupported": "StreamPrioritiesSupported", "globalL1CacheSupported": "GlobalL1CacheSupported",
              "localL1CacheSupported": "LocalL1CacheSupported",
              "sharedMemPerMultiprocessor": "MaxSharedMemoryPerMultiprocessor",
              "regsPerMultiprocessor": "MaxRegistersPerMultiprocessor", "managedMemory": "ManagedMemory",
              "concurrentManagedAccess": "ConcurrentManagedAccess",
              "computePreemptionSupported": "ComputePreemptionSupported",
              "canUseHostPointerForRegisteredMem": "CanUseHostPointerForRegisteredMem",
              "cooperativeLaunch": "CooperativeLaunch", "sharedMemPerBlockOptin": "MaxSharedMemoryPerBlockOptin",
              "maxBlocksPerMultiProcessor": "MaxBlocksPerMultiprocessor",
              "reservedSharedMemPerBlock": "ReservedSharedMemoryPerBlock",
              "hostRegisterSupported": "HostRegisterSupported", "clusterLaunch": "ClusterLaunch"}


@functools.cache
def header(release: str) -> str:
    """The text of driver_types.h."""
    requirement = PACKAGES[release]
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "unfrag"
    folder = cache / f"headers-{hashlib.sha256(requirement.encode()).hexdigest()[:12]}"
    if not list(folder.glob("*.whl")):
        done = subprocess.run([sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:",
                               "--platform", "manylinux2014_x86_64", "-d", folder, requirement],
                              capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip(f"{requirement} cannot be downloaded")
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as package:
        (name,) = [name for name in package.namelist() if name.endswith("/driver_types.h")]
        return re.sub(r"/\*.*?\*/|//[^\n]*", " ", package.read(name).decode(), flags=re.DOTALL)


def fields_of(text: str, structure: str) -> tuple[dict[str, tuple[int, int]], int]:
    """Offset and width of each field, and the size of all, by the rules of the x86-64 ABI."""
    body = re.search(rf"struct __device_builtin__ {structure}\s*\{{(.*?)\}};", text, re.DOTALL).group(1)
    fields, offset, widest = {}, 0, 1
    for declaration in filter(None, map(str.strip, body.split(";"))):
        kind, name, count = re.fullmatch(r"(.*?)\s*(\w+)\s*(?:\[(\d+)\])?", declaration, re.DOTALL).groups()
        width = SIZES[" ".join(kind.split())]
        alignment = 1 if kind.startswith("cudaUUID") else width
        offset = -(-offset // alignment) * alignment
        fields[name] = (offset, width)
        offset += width * int(count or 1)
        widest = max(widest, alignment)
    return fields, -(-offset // widest) * widest


def enumerators(text: str, enumeration: str) -> dict[str, int]:
    body = re.search(rf"enum __device_builtin__ {enumeration}\s*\{{(.*?)\}}", text, re.DOTALL).group(1)
    return {name: int(value, 0) for name, value in re.findall(r"(\w+)\s*=\s*(-?\w+)", body)}


@functools.cache
def printed() -> list[list[str]]:
    return [line.split() for line in subprocess.run([PRINTER], capture_output=True, text=True, check=True)
            .stdout.splitlines()]


pytestmark = pytest.mark.skipif(not PRINTER.exists(), reason=f"{PRINTER.name} is not built")


@pytest.mark.parametrize("release", PACKAGES)
def test_properties_lie_where_cuda_has_them(release: str) -> None:
    fields, size = fields_of(header(release), "cudaDeviceProp")
    major = release.split(".")[0]
    assert ["size", major, str(size)] in printed()
    facts = [line[1:] for line in printed() if line[0] == "fact" and line[1] != "-"]
    assert len(facts) > 30
    for name, _, place12, place13, width in facts:
        place = place12 if major == "12" else place13
        if name in fields:
            assert (place, width) == tuple(map(str, fields[name])), name
        else:
            assert place == "-", name


@pytest.mark.parametrize("release", PACKAGES)
def test_attributes_and_errors_have_the_numbers_of_cuda(release: str) -> None:
    attributes = enumerators(header(release), "cudaDeviceAttr")
    checked = 0
    for name, attribute, *_ in [line[1:] for line in printed() if line[0] == "fact"]:
        if name in ATTRIBUTES:
            assert int(attribute) == attributes[f"cudaDevAttr{ATTRIBUTES[name]}"], name
            checked += 1
    assert checked == len(ATTRIBUTES)
    errors = enumerators(header(release), "cudaError")
    statuses = [line[1:] for line in printed() if line[0] == "status"]
    assert len(statuses) == 11
    for number, name in statuses:
        assert errors[name] == int(number)
