/** The program that an interpreter is asked with. Runs in Python: what it needs is given as JSON, and it prints one line of JSON. */

/** What the line with the answer begins with; other lines are a site customisation's. */
export const probeMarker = "synapse-probe:";

/** What a line with a file begins with that hides a module of Python's own: told when the program fails, which may be why. */
export const hiddenMarker = "synapse-hidden:";

/** What the program looks for. */
export interface ProbeQuestion {
  readonly own: { readonly distribution: string; readonly module: string };
  readonly namesake: string;
  readonly dependencies: readonly { readonly module: string; readonly distribution: string }[];
}

/**
 * Runs on every Python since 2.6, so that an old one can say how old it is. A namespace package (origin None) is an empty folder by that
 * name, unless it is one that really has no `__init__.py`: then one of its modules is looked for. Our own mark is read from the source text.
 * The working directory is not looked at (it is as with `-P`, which old ones do not know), nor is it by what starts a worker: a `json.py`
 * there is not Python's. It ends at once: a thread or an exit handler of a site customisation would keep the interpreter there.
 */
export function probeScript(question: ProbeQuestion): string {
  return `
import sys
if sys.path[:1] == [""]:
    del sys.path[0]
import os

def tell_hidden(*failure):
    sys.__excepthook__(*failure)
    library = os.path.dirname(os.__file__)
    names = getattr(sys, "stdlib_module_names", ())
    for folder in sys.path[: sys.path.index(library)]:
        if os.path.isdir(folder):
            for name in sorted(os.listdir(folder)):
                file = os.path.join(folder, name)
                if name[:-3] in names and name[-3:] == ".py" or name in names and os.path.exists(os.path.join(file, "__init__.py")):
                    sys.stdout.write("\\n${hiddenMarker}" + file + "\\n")

sys.excepthook = tell_hidden
import json
answer = {
    "executable": sys.executable,
    "version": list(sys.version_info[:3]),
    "inVirtualEnv": False,
    "modules": {},
}
if sys.version_info >= (3, 11):
    import importlib.metadata, importlib.util, re, sysconfig
    question = json.loads(${JSON.stringify(JSON.stringify(question))})
    inside = {"google.rpc": "google.rpc.status_pb2"}

    def find(name):
        try:
            spec = importlib.util.find_spec(inside.get(name, name))
        except Exception:
            return None
        return None if spec is None or spec.origin is None else spec

    def version_of(distribution):
        try:
            return importlib.metadata.version(distribution)
        except Exception:
            return None

    def place_of(path):
        entries = [os.path.realpath(entry) for entry in sys.path]
        path = os.path.realpath(path)
        return entries.index(path) if path in entries else len(entries)

    def describe_own(spec, distribution):
        try:
            source = spec.loader.get_source(spec.name) or ""
        except Exception:
            source = ""
        folder = os.path.dirname(spec.origin)
        if spec.submodule_search_locations is not None:
            folder = os.path.dirname(folder)
        contract = re.search(r"^__synapse_contract__ = (\\d+)$", source, re.M)
        version = re.search(r"^__version__ = [\\"']([^\\"']+)[\\"']", source, re.M)
        return {
            "file": spec.origin,
            "contract": int(contract.group(1)) if contract else None,
            "version": version.group(1) if version else distribution,
            "distribution": distribution,
            "hides": place_of(folder) < place_of(site_packages),
        }

    site_packages = sysconfig.get_path("purelib")
    is_virtual = sys.prefix != sys.base_prefix
    is_conda = os.path.isdir(os.path.join(sys.prefix, "conda-meta"))
    # The one that conda itself lives in is the machine's, as it were.
    answer["inVirtualEnv"] = is_virtual or (is_conda and not os.path.isdir(os.path.join(sys.prefix, "condabin")))
    answer["prefix"] = sys.prefix
    managed = os.path.join(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED")
    answer["externallyManaged"] = not is_virtual and os.path.exists(managed)
    answer["sitePackages"] = site_packages
    answer["hasPip"] = find("pip") is not None
    answer["namesake"] = version_of(question["namesake"])
    own = find(question["own"]["module"])
    answer["own"] = None if own is None else describe_own(own, version_of(question["own"]["distribution"]))
    for dependency in question["dependencies"]:
        if find(dependency["module"]) is not None:
            answer["modules"][dependency["module"]] = version_of(dependency["distribution"]) or "unknown"
sys.stdout.write("\\n${probeMarker}" + json.dumps(answer) + "\\n")
sys.stdout.flush()
os._exit(0)
`;
}
