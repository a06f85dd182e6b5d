// A job type for Flamenco 3: the lines of a manifest, in as many tasks as asked for.
//
// Put this file into the folder `scripts` beside the Flamenco Manager. The command `duet` must be on the workers' path,
// and the manifest, the recordings and the output folder on storage that all of them see under the same names.
const JOB_TYPE = {
    label: "Duet: lines of a manifest",
    settings: [
        { key: "manifest", type: "string", required: true, description: "The .csv table, or a folder of recordings" },
        { key: "output", type: "string", required: true, description: "The folder for what is made" },
        { key: "command", type: "string", required: true, default: "bake", choices: ["bake", "generate", "preview"],
          description: "A .blend, weights, or a small video of each line" },
        { key: "tasks", type: "int32", required: true, default: 20, description: "How many shares the lines are cut into" },
        { key: "options", type: "string", default: "", description: "More options of duet, separated by spaces" },
    ],
};

function compileJob(job) {
    const settings = job.settings;
    const options = settings.options.split(" ").filter(option => option !== "");
    for (let share = 1; share <= settings.tasks; share++) {
        const task = author.Task(`duet-${share}-of-${settings.tasks}`, "misc");
        // A share that is run again leaves out what is made already.
        task.addCommand(author.Command("exec", {
            exe: "duet",
            args: [settings.command, settings.manifest, "-o", settings.output,
                   "--shard", `${share}/${settings.tasks}`, ...options],
        }));
        job.addTask(task);
    }
}
