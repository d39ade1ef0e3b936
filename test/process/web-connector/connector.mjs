// Asks for whatever it is told, and lets go of nothing it could find: the walls and egress alone decide.
export const connector = {
  tools: {
    ask: async ({ fetch, arguments: { method, path, headers = [], body } }) => {
      const answer = await fetch('api', { method, path, body, headers: Object.fromEntries(headers) });
      return { status: answer.status, text: await answer.text() };
    },
    time: async ({ fetch, arguments: { count } }) => {
      const ms = [];
      for (let n = 0; n < count; n += 1) {
        const start = performance.now();
        await (await fetch('api', { path: '/v1/orders' })).text();
        ms.push(performance.now() - start);
      }
      return { ms };
    },
  },
};
