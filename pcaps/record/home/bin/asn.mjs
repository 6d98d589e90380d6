const answer = await fetch("https://rdap.db.ripe.net/autnum/3333");
console.log((await answer.json()).handle);
