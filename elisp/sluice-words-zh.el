;;; sluice-words-zh.el --- What the package says, in Simplified Chinese -*- lexical-binding: t; coding: utf-8 -*-

;; Copyright (C) 2026 The Sluice authors

;; Author: The Sluice authors <https://github.com/sluice-llm/sluice>
;; URL: https://github.com/sluice-llm/sluice
;; Keywords: comm
;; SPDX-License-Identifier: GPL-3.0-or-later

;; This file is not part of GNU Emacs.

;; This program is free software; you can redistribute it and/or modify
;; it under the terms of the GNU General Public License as published by
;; the Free Software Foundation, either version 3 of the License, or
;; (at your option) any later version.

;; This program is distributed in the hope that it will be useful,
;; but WITHOUT ANY WARRANTY; without even the implied warranty of
;; MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the
;; GNU General Public License for more details.

;; You should have received a copy of the GNU General Public License
;; along with this program.  If not, see <https://www.gnu.org/licenses/>.


;;; Commentary:

;; Each entry is the English text as it stands in the code, and what is said instead.
;; `%2$s' is the second value of the English text, where the order is another one.
;; The person is 你, and the marks beside Chinese characters are full-width.

;;; Code:

(require 'sluice-words)

(sluice-words-define
 "zh"
 '(;; sluice-answer.el
   ("There is no answer of Sluice at point" "光标处没有 Sluice 的回答")
   ("The answer broke off here; it is not complete" "回答在这里中断了，并不完整")
   ;; sluice-calls.el
   ("Steps" "步骤")
   ("Place" "位置")
   ("Goes in" "还要等")
   ("Client" "客户端")
   ("Model" "模型")
   ("Waits for" "在等什么")
   ("No call waits." "没有在等的请求。")
   ("now" "现在")
   ("%s of %s to %s waits for: %s.  It has waited %s%s"
    "发往 %3$s 的 %1$s 请求（%2$s）在等：%4$s。已经等了 %5$s%6$s")
   (" and goes in at most %s" "，最多再过 %s 就发")
   (" and goes in %s to %s" "，再过 %s 到 %s 就发")
   ("Cancel the call of %s to %s? " "要取消 %s 发给 %s 的请求吗？")
   ("Cancelled" "已取消")
   ("That call waits no longer" "那个请求已经不在等了")
   ("It goes as soon as calls that a person waits for" "和有人在等的请求一样优先")
   ("It goes after calls that a person waits for" "排在有人在等的请求后面")
   ("It goes when nothing else waits" "等别的都发完了再发")
   ("At" "时间")
   ("State" "状态")
   ("Took" "用时")
   ("What happened" "发生了什么")
   ("There are no calls yet." "还没有请求。")
   ("%.1f s" "%.1f 秒")
   ("queued" "在等")
   ("held" "等重发")
   ("running" "进行中")
   ("done" "完成")
   ("failed" "失败")
   ("cancelled" "已取消")
   ("interrupted" "中断")
   ("No call has failed." "没有失败的请求。")
   ("It goes when nothing else waits already" "它本来就是等别的都发完了再发")
   ("It is next in line already" "它已经是下一个了")
   ("A person waits for it already, and for those before it as well.  To let it go earlier, cancel one of them: k"
    "它和它前面的请求都已经有人在等。想让它早点发出，就取消前面的一个：k")
   ;; sluice-chat.el
   ("Sluice has not taken this call" "Sluice 没有接受这个请求")
   ("%s  %s explains it" "%s（按 %s 看说明）")
   ("Sent to %s.  %s stops it" "已发给 %s。按 %s 停止")
   ("You took the answer away, so it was stopped" "你删掉了回答，所以停下了")
   ("%s stopped at the token limit" "%s：到了 token 上限，停下了")
   ("%s has answered" "%s：回答完了")
   (" (%s + %s tokens)" "（%s + %s 个 token）")
   ("Stopped" "已停止")
   ("Sluice's daemon has gone away.  Send again to start it anew" "Sluice 的守护进程退出了。重新发送就会再启动它")
   ("Sluice's daemon has gone away; the answer is not complete.  Send again to start it anew"
    "Sluice 的守护进程退出了，回答不完整。重新发送就会再启动它")
   ("You have disconnected from Sluice, so this answer was stopped.  Send again to connect anew"
    "你断开了和 Sluice 的连接，所以停下了这个回答。重新发送就会再连上")
   ("waits, number %d in line" "在等，排在第 %d 位")
   ("waits, next in line" "在等，下一个就是它")
   ("waits to be sent again" "等着重发")
   ("waits" "在等")
   ("goes in %s" "%s 后发出")
   ("waits %s" "在等 %s")
   ("sent" "已发出")
   ("writes" "在写")
   ("writes %.1fk" "在写 %.1fk")
   ("No answer is on its way to this buffer" "没有回答正在写进这个缓冲区")
   ("Stopped %d answers" "停止了 %d 个回答")
   ;; sluice-conversation.el
   ("%s at %s · \\<sluice-chat-mode-map>\\[sluice-send] sends · \\[sluice-abort] stops"
    "%s（%s） · \\<sluice-chat-mode-map>\\[sluice-send] 发送 · \\[sluice-abort] 停止")
   ("There is no question before point: write one below the last turn" "光标前面没有问题，请写在最后一轮的下面")
   ;; sluice-dashboard.el
   ("%d more are not shown." "还有 %d 个没有显示。")
   ("Sluice is not running; the list is how it was last.  %s" "Sluice 没有运行，这是最后一次的列表。%s")
   ("Sluice is not running.  %s" "Sluice 没有运行。%s")
   ("This list cannot be sorted by %s, but by: %s" "这个列表不能按这一列排序：%s。可以按这些列：%s")
   ("This list stays in its order: lines of one key belong together"
    "这个列表不能重新排序：同一个密钥的行要放在一起")
   ("The list is how it was last.  %s" "这是最后一次的列表。%s")
   ("You have disconnected from Sluice; the list is how it was last.  g connects again"
    "你断开了和 Sluice 的连接，这是最后一次的列表。按 g 重新连接")
   ("There is no call on this line" "这一行没有请求")
   ;; sluice-doctor.el
   ("The daemon does not answer" "守护进程没有回应")
   ("Start it" "启动它")
   ("The daemon is there, but does not answer" "守护进程在，但没有回应")
   ("Its process hangs.  End it in a terminal: %s; then start it anew with M-x sluice-start"
    "它的进程卡住了。请在终端里结束它：%s；然后用 M-x sluice-start 重新启动")
   ("The daemon runs: version %s, process %s" "守护进程正在运行：版本 %s，进程 %s")
   ("What answers is the sandbox: it simulates providers, and nothing goes to a real one"
    "现在回应的是沙盒：它只模拟服务商，什么都不会发给真正的服务商")
   ("To reach a provider, end it in a terminal: %s; then start it without --sandbox"
    "想连真正的服务商，请在终端里结束它：%s；然后不加 --sandbox 重新启动")
   ("The daemon speaks protocol %s, this package %s" "守护进程用的是协议 %s，这个包用的是 %s")
   ("Update both in Sluice's folder: %s; then start the daemon and Emacs anew"
    "请在 Sluice 的文件夹里把两者都更新：%s；然后重新启动守护进程和 Emacs")
   ("The daemon is version %s, this package %s" "守护进程是版本 %s，这个包是版本 %s")
   ("They understand each other; update the older one when it suits you" "它们能互相配合，旧的那个有空再更新就行")
   ("This package is version %s, too" "这个包也是版本 %s")
   ("The program `%s' is in `exec-path'" "程序 `%s' 在 `exec-path' 里")
   ("The program `%s' is not in `exec-path'" "程序 `%s' 不在 `exec-path' 里")
   ("Emacs cannot start the daemon.  Install it in Sluice's folder: %s; or say where it is"
    "Emacs 启动不了守护进程。请在 Sluice 的文件夹里安装：%s；或者说明它在哪里")
   ("Say where it is" "说明它在哪里")
   ("No daemon has written down its socket yet" "还没有守护进程写下它的套接字")
   ("It does so when it starts" "守护进程启动时会写")
   ("There is no socket %s" "没有套接字 %s")
   ("It comes when the daemon starts.  If it runs elsewhere, set `sluice-socket'"
    "守护进程启动时就会有。如果它在别处运行，请设置 `sluice-socket'")
   ("Others may use the socket %s (mode %o)" "别人也能用套接字 %s（权限 %o）")
   ("Run in a terminal: %s" "请在终端里执行：%s")
   ("Do that now" "现在就做")
   ("The socket %s is yours alone (mode %o)" "套接字 %s 只有你能用（权限 %o）")
   ("auth-source has a key: machine %s login apikey" "auth-source 里有密钥：machine %s login apikey")
   ("auth-source has no key for %s" "auth-source 里没有 %s 的密钥")
   ("Add a line to %s: %s.  It is not needed if the daemon has the key in its environment"
    "请在 %s 里加一行：%s。如果守护进程的环境变量里有密钥，就不需要")
   ("curl is there" "有 curl")
   ("curl is missing" "没有 curl")
   ("gptel goes through Sluice only with curl, and copied commands need it: install it"
    "gptel 要有 curl 才能走 Sluice，复制的命令也要用它：请安装")
   ("gptel goes through Sluice: `sluice-gptel-mode' is on" "gptel 走 Sluice：`sluice-gptel-mode' 已打开")
   ("gptel is not installed, and not needed" "没有安装 gptel，也用不着")
   ("gptel is installed, but does not go through Sluice" "安装了 gptel，但没有走 Sluice")
   ("Put this into your init file: %s" "请在初始化文件里写上：%s")
   ("Turn it on now" "现在打开")
   ("g looks again, q closes this page" "g 再看一遍，q 关闭")
   ("All is well" "一切正常")
   ("One thing is to be mended" "有 1 处要处理")
   ("%d things are to be mended" "有 %d 处要处理")
   ("ok" "正常")
   ("note" "提示")
   ("BAD" "问题")
   ("The daemon's own check is running…" "守护进程正在自己检查，请稍候")
   ("The daemon's own check finds nothing to mend" "守护进程自己检查过，没有要处理的")
   ("What the daemon's own check finds" "守护进程自己检查的结果")
   ("There is no button %d" "没有 %d 号按钮")
   ("This could not be looked at: %s" "这一项没能检查：%s")
   ("Change it" "修改")
   ;; sluice-estimate.el
   ("%s tokens" "%s 个 token")
   ("%s tokens, no wait" "%s 个 token，不用等")
   ("%s tokens, ~%.1f s wait" "%s 个 token，大约等 %.1f 秒")
   ("%s tokens, ~%d s wait" "%s 个 token，大约等 %d 秒")
   ;; sluice-explain.el
   ("Hide the words" "收起原话")
   ("This is how it was told at that time.  The wait is over: it was until %s." "这是当时的说法。等待已经结束：到 %s 为止。")
   ("The daemon has kept nothing of this call, so there is no command to copy.  Send it again, then copy that"
    "守护进程没有留下这个请求，所以没有命令可复制。请重发，然后复制那一个")
   ("If nobody has ended it: M-x sluice-doctor looks what is wrong." "如果没有人结束它：用 M-x sluice-doctor 看看哪里不对。")
   ("Then send the same again." "然后原样重发。")
   ("Nothing is sent again by itself.  The provider may count what it had answered until then."
    "不会自动重发。到那时为止的回答，服务商可能会计入用量。")
   ("Somebody has ended the daemon, or the system has, or it broke down.  The provider has refused nothing."
    "有人结束了守护进程，或者系统结束了它，或者它崩溃了。服务商没有拒绝什么。")
   ("The daemon went away before the answer had ended, so the answer is missing or not complete.  Emacs has seen its connection break; the daemon itself knows nothing of this call."
    "回答结束前守护进程就没了，所以回答没有来，或者不完整。Emacs 看到连接断了；守护进程自己对这个请求一无所知。")
   ("The Sluice daemon was stopped while this call ran" "处理这个请求时 Sluice 守护进程停了")
   ("Mend that, then send the same again." "先解决这个，再原样重发。")
   ("Select the error text first" "请先选中错误的文字")
   ("This page is about a text, not about a call" "这一页讲的是一段文字，不是请求")
   ("Copied the curl command" "已复制 curl 命令")
   ("Copied the curl command.  %s" "已复制 curl 命令。%s")
   ("Sluice is not running, so its program is asked..." "Sluice 没有运行，所以直接问它的程序，请稍候")
   ("likely: only the text is known" "多半如此：只有文字可看")
   ("clear now" "已经恢复")
   ("clears in %d:%02d" "%d:%02d 后恢复")
   ("clears on %s at %s" "%s %s 恢复")
   ("Why" "为什么")
   ("What happens now" "接下来会怎样")
   ("What you can do" "你可以这样做")
   ("What it is not" "不是这个问题")
   ("How I know" "怎么看出来的")
   ("The provider's words" "服务商的原话")
   ("Copy curl" "复制 curl")
   ("Open the page" "打开页面")
   ("Provider's words" "服务商原话")
   ("Refresh" "刷新")
   ("Quit" "关闭")
   ("Number %d has no page to open" "%d 号没有可打开的页面")
   ("There is no page to open" "没有可打开的页面")
   ("What was sent with this call was not kept, so there is no command to copy.  Set journal.bodies to \"all\" in config.yaml, then send it again"
    "没有保留这个请求发出的内容，所以没有可复制的命令。请在 config.yaml 里把 journal.bodies 设为 \"all\"，再发一次")
   ;; sluice-gptel-explain.el
   ("Failed.  C-c ? then e explain, d dismiss" "失败了。先按 C-c ?，再按 e 说明、d 收起")
   ;; sluice-gptel-failure.el
   ("This call was cancelled while it waited, so nothing is kept of it.  C-c ? t sends it again"
    "这个请求在等待时被取消了，所以没有留下内容。按 C-c ? t 可以重发")
   ("Cancelled." "已取消。")
   ("%s do not send it" "%s 不发了")
   ("%s explain" "%s 说明")
   ("%s send again at %s" "%s 到 %s 重发")
   ("%s send again" "%s 重发")
   ("%s copy curl" "%s 复制 curl")
   ("%s dismiss" "%s 收起")
   ("%s  C-c ? then %s" "%s先按 C-c ?，再按 %s")
   ("Will be sent again at %s." "%s 会重发。")
   ("Failed." "失败了。")
   (", " "，")
   ("No failure is shown in this buffer" "这个缓冲区里没有显示失败")
   ("The place of that answer is gone: begin it anew" "那个回答的位置已经没了，请从头再来")
   ("Sending the same again will not help: see C-c ? e" "再发一样的也没用：请看 C-c ? e")
   ("%s  With the cursor here: C-c ? then %s" "%s光标在这里时，先按 C-c ?，再按 %s")
   ;; sluice-gptel-wait.el
   ("%s stops it" "按 %s 停止")
   ("next in line" "下一个就是它")
   ("number %d in line" "排在第 %d 位")
   ("goes now" "现在就发")
   ("(and %d more)" "（还有 %d 个）")
   ;; sluice-gptel.el
   ("The Sluice daemon was stopped in the middle of this call, and runs again.  Send again"
    "Sluice 守护进程在这个请求中途停了，现在又在运行。请重发")
   ("Sluice carries gptel's calls with the program curl.  Install it and send again"
    "Sluice 要靠 curl 来转 gptel 的请求。请装上它再发")
   ("Nothing was sent." "什么都没发。")
   ("Sluice: gptel's callback failed: %s" "Sluice：gptel 的回调出错了：%s")
   ("The Sluice daemon stopped in the middle of this call.  Start it with M-x sluice-start, then send again"
    "这个请求进行到一半，Sluice 的守护进程停了。用 M-x sluice-start 启动，再重新发")
   ("The answer was cut off before its end, so it is not complete.  Send again"
    "回答还没完就断了，所以不完整。请重新发")
   ("The package gptel is not installed: M-x package-install RET gptel"
    "没有安装 gptel 包：M-x package-install RET gptel")
   ("This gptel is too old for Sluice, which needs 0.9.9.4 or newer: M-x package-upgrade RET gptel"
    "这个 gptel 太旧了，Sluice 需要 0.9.9.4 或更新的版本：M-x package-upgrade RET gptel")
   ("Sluice does not know the host %s" "Sluice 不认识这个主机：%s")
   ("Sluice sends only to hosts that it knows or that you have allowed, so nothing was sent."
    "Sluice 只发给它认识的或你允许的主机，所以什么都没发。")
   ("If it is a server of your own, which has no limits to keep: add %S to `sluice-gptel-direct-hosts', and gptel talks to it directly."
    "如果是你自己的、没有限额的服务器：把 %S 加到 `sluice-gptel-direct-hosts'，gptel 就直接和它通信。")
   ("Else allow it in config.yaml: %s" "否则请在 config.yaml 里允许它：%s")
   ("Sluice does not know the host %s, so nothing was sent.  A server of your own belongs into `sluice-gptel-direct-hosts'; C-c ? e says more"
    "Sluice 不认识主机 %s，所以什么都没发。你自己的服务器请放进 `sluice-gptel-direct-hosts'；C-c ? e 会说明更多")
   ("A setting of Sluice is wrong" "Sluice 的一个设置不对")
   ;; sluice-help.el
   ("Say what would go where, change that, and send" "看看要发什么、发到哪里，改好再发")
   ("Send the region or paragraph; in a chat all turns up to point" "发送选中的文字或段落；在对话里发到光标为止")
   ("Ask in the minibuffer" "在迷你缓冲区里提问")
   ("Go to the buffer in which you talk with a model" "去和模型对话的缓冲区")
   ("Have the region rewritten, and look before it is replaced" "改写选中的文字，看过再替换")
   ("Stop the answer at point, else the newest one of this buffer" "停止光标处的回答，没有就停这个缓冲区最新的")
   ("Remove the answer at point" "删除光标处的回答")
   ("Explain why the last call failed" "解释上一个请求为什么失败")
   ("Explain the error text in the region" "解释选中的错误文字")
   ("Copy the newest call as a curl command, without the key" "把最近的请求复制成 curl 命令，不含密钥")
   ("Show what waits: for what, and until when" "看看哪些在等、等什么、等到什么时候")
   ("Show what was sent last, and how it went" "看看最近发了什么、结果怎样")
   ("Show the limits, and what is used of them" "看看各项限额和已用多少")
   ("Show what was used, and what is left of your budgets" "看看用了多少，预算还剩多少")
   ("Show in the mode line what waits" "在模式行里显示在等的请求")
   ("Look what is wrong with this set-up, and say how to mend it" "检查当前环境有什么问题、怎么解决")
   ("Say whether the daemon is there, and what waits" "说明守护进程在不在、有什么在等")
   ("Start the daemon unless it is there" "守护进程不在就启动它")
   ("Close the connection to the daemon; the daemon lives on" "断开和守护进程的连接；它会继续运行")
   ("List the commands of Sluice and their keys" "列出 Sluice 的命令和按键")
   ("Keys of Sluice, after %s" "Sluice 的按键，先按 %s")
   ("Keys of Sluice.  Give them a prefix:  %s" "Sluice 的按键。请给它们定一个前缀键：%s")
   ;; sluice-keys.el
   ("Nothing was sent: you did not unlock the key for %s" "什么都没发：你没有解锁 %s 的密钥")
   ("Nothing was sent: the keys could not be read: %s" "什么都没发：读不了密钥：%s")
   ("Nothing was sent: %s has no entry for machine %s login apikey.  Add the line: machine %s login apikey password KEY"
    "什么都没发：%s 里没有 machine %s login apikey 这一项。请加上这一行：machine %s login apikey password KEY")
   ("Sluice is not running, so it holds no key" "Sluice 没有运行，所以没有留着密钥")
   ("The daemon held no key" "守护进程没有留着密钥")
   ("The daemon has forgotten the key that it held" "守护进程忘掉了留着的密钥")
   ("The daemon has forgotten the %d keys that it held" "守护进程忘掉了留着的 %d 个密钥")
   ;; sluice-limits.el
   ("Host" "主机")
   ("Limit" "限额")
   ("Used" "已用")
   ("Others" "别处")
   ("From" "来源")
   ("No limit is known yet: the first call brings them." "还不知道任何限额：发出第一个请求就知道了。")
   ("none known" "还不清楚")
   ("requests" "请求数")
   ("tokens" "token 数")
   ("input tokens" "输入 token")
   ("output tokens" "输出 token")
   ("images" "图片数")
   ("audio seconds" "音频秒数")
   ("at a time" "并发数")
   ("second" "秒")
   ("minute" "分钟")
   ("hour" "小时")
   ("day" "天")
   ("week" "周")
   ("month" "月")
   ("header" "响应头")
   ("config" "配置")
   ("guess" "推测")
   ("There is no limit on this line" "这一行没有限额")
   ;; sluice-llm.el
   ("The package llm is not installed: M-x package-install RET llm" "没有安装 llm 包：M-x package-install RET llm")
   ;; sluice-mode-line.el
   ("waits:%d" "在等:%d")
   ("Calls that wait: %d.  The next one goes in %s" "有 %d 个请求在等。下一个 %s 后发出")
   ("Calls that wait: %d" "有 %d 个请求在等")
   ;; sluice-notify.el
   ("the call has failed; M-x sluice-explain-last says why" "请求失败了；M-x sluice-explain-last 会说明原因")
   ;; sluice-program.el
   ("Sluice is not running, and its program `%s' is not in `exec-path'.  Install it in Sluice's folder: pipx install ."
    "Sluice 没有运行，程序 `%s' 也不在 `exec-path' 里。请在 Sluice 的文件夹里安装：pipx install .")
   ("`%s' gave no answer in %d seconds" "`%s' 在 %d 秒内没有回应。请再试一次")
   ("`%s' printed nothing that could be read" "`%s' 没有输出能读懂的东西")
   ;; sluice-rewrite.el
   ("sent; k gives up" "已发出；按 k 放弃")
   ("is being written; k gives up" "正在写；按 k 放弃")
   ("a accepts · k keeps the old text · d shows the difference" "a 接受 · k 保留原文 · d 看差别")
   ("The model wrote nothing, so the old text stays.  Try again in other words, or with another model"
    "模型什么都没写，所以保留了原文。请换个说法，或者换个模型再试")
   ("Select the text first" "请先选中文字")
   ("Rewrite it how? " "要怎么改写？")
   ("There is a proposal already: accept it or reject it first" "已经有一个提议了，请先接受或拒绝")
   ("There is no proposal at point" "光标处没有提议")
   ("It is still being written" "还在写")
   ("The text has changed since; k takes the proposal away" "文字后来改过了；按 k 去掉提议")
   ("Replaced; undo brings the old text back" "已替换；撤销就能恢复原文")
   ("The old text stays" "保留了原文")
   ("old" "原文")
   ("new" "新文字")
   ("The program `%s' is missing" "没有程序 `%s'，请安装")
   ("There is no difference" "没有差别")
   ("NOT COMPLETE: cut off at the token limit, see `sluice-max-tokens'"
    "不完整：在 token 上限处被截断，见 `sluice-max-tokens'")
   ("Nothing was sent, since you did not say what to change.  Rewrite again, and say it"
    "你没有说要改什么，所以什么都没发。请再改写一次，并说明要改什么")
   ("Nothing is replaced yet.  For the whole text: k, then set `sluice-max-tokens' higher and rewrite again"
    "还没有替换。想要完整的文字：按 k，把 `sluice-max-tokens' 调大，再改写一次")
   ("The new text is cut off at the token limit.  Replace the whole old text by this part? "
    "新文字在 token 上限处被截断了。要用这一部分替换全部原文吗？")
   ;; sluice-rpc.el
   ("Sluice: unreadable message from the daemon (%s)" "Sluice：守护进程发来的消息读不了（%s）")
   ("The daemon's answer could not be read." "守护进程的回答读不了。")
   ("Sluice: error while handling a message: %s" "Sluice：处理消息时出错：%s")
   ("The Sluice daemon has gone away." "Sluice 的守护进程退出了。")
   ("The daemon has not answered `%s' in time." "守护进程没有及时回应 `%s'。")
   ("Emacs has no method `%s'." "Emacs 没有 `%s' 这个方法。")
   ;; sluice-send.el
   ("Send 1 line (≈%s tokens) to %s? (s send, e edit, C-g) "
    "要把 1 行（约 %s 个 token）发给 %s 吗？（s 发送，e 修改，C-g）")
   ("Send %d lines (≈%s tokens) to %s? (s send, e edit, C-g) "
    "要把 %d 行（约 %s 个 token）发给 %s 吗？（s 发送，e 修改，C-g）")
   ("Nothing was sent.  Change it, then send again" "什么都没发。改好再发")
   ("There is nothing to send here: select text or go to a paragraph" "这里没有可发的：选中文字，或者到一个段落上")
   ("This is being answered already.  Send it a second time? " "这个已经在回答了。要再发一次吗？")
   ("Not sent a second time" "没有再发一次")
   ("Ask %s: " "问 %s：")
   ("Nothing was sent, since you asked nothing.  Ask again, and type the question"
    "你什么都没问，所以什么都没发。请再问一次，并写上问题")
   ;; sluice-settings.el
   ("a list of texts, such as (\"sluice\" \"serve\")" "文字的列表，比如：(\"sluice\" \"serve\")")
   ("the name of a model, such as \"gpt-4o-mini\"" "模型的名字，比如 \"gpt-4o-mini\"")
   ("the name of a host, such as \"api.openai.com\"" "主机名，比如 \"api.openai.com\"")
   ("nil or a language, such as \"ko\"" "nil 或一种语言，比如 \"ko\"")
   ("nil or a file name of at most %d bytes" "nil 或不超过 %d 字节的文件名")
   ("a text in which %%s stands for what you ask for" "一段文字，其中 %%s 代表你的要求")
   ("a list of regular expressions" "正则表达式的列表")
   ("a list of regular expressions; %S is none (%s)" "正则表达式的列表；%S 不是正则表达式（%s）")
   ("The setting `%s' must be %s.  Change it: M-x customize-option RET %s"
    "设置 `%s' 必须是%s。修改：M-x customize-option RET %s")
   ("The setting `%s' has a value of the wrong kind.  See what it can be: M-x customize-option RET %s"
    "设置 `%s' 的值类型不对。看看可以是什么：M-x customize-option RET %s")
   ;; sluice-transient.el
   ("A chat always answers in itself" "对话的回答总是写在对话里")
   ("Nothing to send at point" "光标处没有可发的")
   ("Send: %s" "发送：%s")
   ("host" "主机")
   ("Host: " "主机：")
   ("model" "模型")
   ("Model: " "模型：")
   ("system prompt" "系统提示词")
   ("none" "无")
   ("System prompt: " "系统提示词：")
   ("the answer goes" "回答写到")
   ("behind what was sent" "发出的文字后面")
   ("to a buffer of answers" "专放回答的缓冲区")
   ("send the region" "发送选中的文字")
   ("send the chat up to point" "把对话发到光标为止")
   ("send the paragraph" "发送这一段")
   ("To" "发给谁")
   ("Otherwise" "别的")
   ("ask in the minibuffer" "在迷你缓冲区里提问")
   ("rewrite the region" "改写选中的文字")
   ("chat" "对话")
   ("stop an answer" "停止回答")
   ("remove an answer" "删除回答")
   ("See" "查看")
   ("queue" "在等的请求")
   ("limits" "限额")
   ("log" "最近的请求")
   ("what was used" "用量")
   ("explain the last failure" "解释上次失败")
   ("what is wrong here" "检查问题")
   ("copy the last call as curl" "把上一个请求复制成 curl")
   ;; sluice-usage.el
   ("Used since %s.  Keys: m model, c client, h host, k key, d day, + - more or fewer days"
    "从 %s 起的用量。按键：m 模型、c 客户端、h 主机、k 密钥、d 日期、+ - 天数增减")
   ("Nothing was used in this time.  Press + to look further back." "这段时间没有用量。想看更早的就按 +。")
   ("Tokens of each day" "每天的 token")
   ("%s to %s; the highest column is %s tokens" "%s 到 %s；最高的柱子是 %s 个 token")
   ("calls" "请求")
   ("input" "输入")
   ("output" "输出")
   ("cached" "缓存")
   ("total" "合计")
   ("client" "客户端")
   ("key" "密钥")
   ("date" "日期")
   ("Cost is an estimate by the prices in your configuration." "费用是按你配置里的价格估算的。")
   ("To see cost, write prices: into the daemon's config.yaml."
    "想看费用，请在守护进程的 config.yaml 里写上 prices:。")
   ("Without a price: %s" "没有价格的模型：%s")
   ("Your budgets" "你的预算")
   ;; sluice-watch.el
   ("Sluice: the daemon has gone away, so nothing waits there any more.  Start it with M-x sluice-start; Emacs notices when it is back"
    "Sluice：守护进程退出了，在那里等的请求也没有了。请用 M-x sluice-start 启动；它回来时 Emacs 会知道")
   ;; sluice.el
   ("Sluice does not answer" "Sluice 没有回应")
   ("Sluice is not running" "Sluice 没有运行")
   ("Emacs was not connected to Sluice, so nothing has changed" "Emacs 本来就没有连接 Sluice，所以没有变化")
   ("Disconnected from Sluice.  The daemon lives on; the next call connects again"
    "已断开和 Sluice 的连接。守护进程继续运行；下一个请求会重新连接")
   ("Sluice: the daemon (%s) speaks protocol %s, this package (%s) speaks %s.  Update both in Sluice's folder: %s; then start the daemon and Emacs anew"
    "Sluice：守护进程（%s）用协议 %s，这个包（%s）用 %s。请在 Sluice 的文件夹里把两者都更新：%s；然后重新启动守护进程和 Emacs")
   ("Sluice: what listens at %s does not greet as it should: %s" "Sluice：在 %s 监听的程序握手不对：%s")
   ("The Sluice daemon does not answer.  If it hangs, end it in a terminal: %s; then start it anew with M-x sluice-start"
    "Sluice 守护进程没有回应。如果它卡住了，请在终端里结束它：%s；然后用 M-x sluice-start 重新启动")
   ("The Sluice daemon does not answer at %s.  If it hangs, end its process; then start it anew with M-x sluice-start"
    "Sluice 守护进程没有回应（%s）。如果它卡住了，请结束它的进程，然后用 M-x sluice-start 重新启动")
   ("Start it with M-x sluice-start, or in a terminal: %s" "用 M-x sluice-start 启动，或者在终端里：%s")
   ("Sluice is not running, so nothing was sent.  %s" "Sluice 没有运行，所以什么都没发。%s")
   ("The program `%s' is not in `exec-path'.  Install it in Sluice's folder: %s; or set `sluice-daemon-command'"
    "程序 `%s' 不在 `exec-path' 里。请在 Sluice 的文件夹里安装：%s；或者设置 `sluice-daemon-command'")
   ("The daemon did not answer in %d seconds.  Run it in a terminal to see why: %s"
    "守护进程 %d 秒内没有回应。在终端里运行就能看到原因：%s")
   ("Starting Sluice...  (C-g waits no longer)" "正在启动 Sluice……（按 C-g 不再等）")
   ("The daemon ended at once.  Mend what it says, then M-x sluice-start: %s"
    "守护进程马上就结束了。请按它说的改好，再运行 M-x sluice-start：%s")
   ("The daemon ended at once with status %s and said nothing.  Run it in a terminal to see more: %s"
    "守护进程马上就结束了（状态 %s），什么都没说。在终端里运行能看到更多：%s")
   ("Sluice runs at %s" "Sluice 正在运行，地址 %s")
   ("Sluice is not running.  Start it? " "Sluice 没有运行。要启动吗？")
   ("Sluice %s runs (process %s, %s): %s" "Sluice %s 正在运行（进程 %s，%s）：%s")
   ("no call waits" "没有在等的请求")
   ("It is the sandbox: nothing goes to a provider" "这是沙盒，什么都不会发给服务商")
   ("1 call waits" "有 1 个请求在等")
   ("%d calls wait" "有 %d 个请求在等")))

(provide 'sluice-words-zh)
;;; sluice-words-zh.el ends here
